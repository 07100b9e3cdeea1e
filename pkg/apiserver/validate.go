package apiserver

import (
	"context"

	"k8s.io/apimachinery/pkg/api/operation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
)

// beforeCreate prepares and validates a new object, and returns why it is rejected.
func (r request) beforeCreate(object runtime.Object) []change.FieldError {
	found := findings{strategy: r.strategy}
	err := rest.BeforeCreate(found.recording(), r.ctx, object)
	if err == nil {
		return nil
	}
	if !found.complete {
		found.list = rest.ValidateCreate(r.ctx, object, r.strategy)
	}
	return r.errors(err, found.list)
}

// beforeUpdate does so with an object that takes the place of a live one.
func (r request) beforeUpdate(object, live runtime.Object) []change.FieldError {
	found := findings{strategy: r.strategy}
	err := rest.BeforeUpdate(found.recording(), r.ctx, object, live)
	if err == nil {
		return nil
	}
	if !found.complete {
		found.list = rest.ValidateUpdate(r.ctx, object, live, r.strategy)
	}
	return r.errors(err, found.list)
}

// findings is a strategy that keeps what validation finds: the error that comes out of it has
// lost part of that. Declarative validation comes last and is given what was found before.
type findings struct {
	strategy
	declared rest.DeclarativeValidationStrategy
	list     field.ErrorList
	complete bool
}

// recording returns the strategy with which to validate.
func (f *findings) recording() strategy {
	declared, is := f.strategy.(rest.DeclarativeValidationStrategy)
	if !is {
		return f.strategy
	}
	f.declared = declared
	return &declaredFindings{f}
}

type declaredFindings struct{ *findings }

func (f *declaredFindings) ValidateDeclaratively(ctx context.Context, object, old runtime.Object, list field.ErrorList, op operation.Type, config rest.DeclarativeValidationConfig) field.ErrorList {
	f.list, f.complete = f.declared.ValidateDeclaratively(ctx, object, old, list, op, config), true
	return f.list
}

func (f *declaredFindings) DeclarativeValidationConfig(ctx context.Context, object, old runtime.Object) rest.DeclarativeValidationConfig {
	return f.declared.DeclarativeValidationConfig(ctx, object, old)
}

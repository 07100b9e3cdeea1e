package apiserver

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
)

// maxValue is how much of an offending value is quoted.
const maxValue = 80

// errors turns what the server answers into field errors. list is the same
// answer as data, empty where there is none.
func (r request) errors(err error, list field.ErrorList) []change.FieldError {
	var refused []change.FieldError
	seen := map[change.FieldError]bool{}
	add := func(e change.FieldError) {
		if !seen[e] {
			seen[e] = true
			refused = append(refused, e)
		}
	}
	for _, e := range list {
		add(r.fieldError(e))
	}
	if len(refused) > 0 {
		orderErrors(refused)
		if r.custom != nil {
			orderSchemaErrors(refused)
		}
		return refused
	}
	var status *apierrors.StatusError
	if errors.As(err, &status) && status.ErrStatus.Details != nil {
		for _, cause := range status.ErrStatus.Details.Causes {
			message := cause.Message
			if r.secret() {
				message = string(cause.Type)
			}
			add(change.FieldError{Field: cause.Field, Type: string(cause.Type), Message: FirstLine(message)})
		}
	}
	if len(refused) == 0 {
		add(change.FieldError{Type: "Invalid", Message: FirstLine(err.Error())})
	}
	return refused
}

// orderErrors sorts what is rejected in a row in entries of one map, such as labels, which
// the server walks through in no order.
func orderErrors(refused []change.FieldError) {
	parent := func(e change.FieldError) string {
		if i := strings.LastIndexByte(e.Field, '['); i >= 0 {
			return e.Field[:i]
		}
		return e.Field
	}
	for from := 0; from < len(refused); {
		to := from + 1
		for to < len(refused) && parent(refused[to]) == parent(refused[from]) {
			to++
		}
		slices.SortStableFunc(refused[from:to], func(a, b change.FieldError) int {
			return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
		})
		from = to
	}
}

// orderSchemaErrors sorts what the schema of a custom resource rejects by field, since
// properties are walked through in no order. What its rules and the server say comes behind.
func orderSchemaErrors(refused []change.FieldError) {
	late := func(e change.FieldError) int {
		if e.Type == string(field.ErrorTypeInvalid) && !strings.Contains(e.Message, " in body ") {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(refused, func(a, b change.FieldError) int {
		if late(a)+late(b) > 0 {
			return cmp.Compare(late(a), late(b))
		}
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Message, b.Message))
	})
}

// fieldError keeps the server's words. Of the offending value it keeps what a
// line can hold, and nothing of a Secret's.
func (r request) fieldError(e *field.Error) change.FieldError {
	message := e.Type.String()
	switch e.Type {
	case field.ErrorTypeRequired, field.ErrorTypeForbidden, field.ErrorTypeTooLong, field.ErrorTypeTooShort, field.ErrorTypeInternal:
	default:
		if value, ok := quoteValue(e.BadValue); ok && !r.secret() {
			message += ": " + value
		}
	}
	if detail := FirstLine(e.Detail); detail != "" {
		message += ": " + detail
	}
	return change.FieldError{Field: e.Field, Type: string(e.Type), Message: message}
}

// decodeError refuses an object that does not fit its type. prefix is the field
// under which the server reports it.
func (r request) decodeError(prefix string, value map[string]any, err error) change.FieldError {
	if wire := r.wireError(value); wire != nil {
		err = wire
	}
	reason := decodeReason(err)
	if r.secret() {
		reason = "the object does not fit its type; are all values text?"
	}
	return change.FieldError{Field: prefix, Type: string(field.ErrorTypeInvalid), Message: field.ErrorTypeInvalid.String() + ": " + reason}
}

func (r request) secret() bool { return manifest.IsSecret(r.gvk.Kind) }

// quoteValue writes a value that fits into a sentence.
func quoteValue(value any) (string, bool) {
	if v := reflect.ValueOf(value); !v.IsValid() || (v.Kind() == reflect.Pointer || v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.IsNil() {
		return "null", true
	}
	switch v := value.(type) {
	case string:
		if len(v) > maxValue {
			return "", false
		}
		return fmt.Sprintf("%q", v), true
	case *string:
		return quoteValue(*v)
	case bool, int, int32, int64, uint32, uint64, float64:
		return fmt.Sprint(v), true
	case fmt.Stringer:
		if text := v.String(); len(text) <= maxValue && !strings.ContainsAny(text, "{&\n") {
			return fmt.Sprintf("%q", text), true
		}
	}
	return "", false
}

// FirstLine drops the dumps of whole objects that some messages carry behind
// their sentence.
func FirstLine(message string) string {
	line, _, _ := strings.Cut(message, "\n")
	return strings.TrimRight(line, ": ")
}

package upgrade

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/safe-diff/helm-safe-diff/pkg/change"
	"github.com/safe-diff/helm-safe-diff/pkg/internal/untyped"
	"github.com/safe-diff/helm-safe-diff/pkg/manifest"
	"github.com/safe-diff/helm-safe-diff/pkg/reference"
)

// SecretMadeOf returns the name of the Secret that a controller makes of a custom resource, and the
// fields of the spec of which it is made; "" for a kind of which none is.
func SecretMadeOf(o *manifest.Object) (name string, fields []string) {
	switch o.Ref.Kind {
	case "SealedSecret", "ExternalSecret", "Certificate", "VaultStaticSecret", "VaultDynamicSecret", "VaultPKISecret", "OnePasswordItem":
	default:
		return "", nil // not to be decoded
	}
	spec := Spec(o)
	switch o.Ref.GroupKind() {
	case "SealedSecret.bitnami.com":
		return cmp.Or(untyped.Text(spec, "template", "metadata", "name"), o.Ref.Name), []string{"encryptedData", "template"}
	case "ExternalSecret.external-secrets.io":
		return cmp.Or(untyped.Text(spec, "target", "name"), o.Ref.Name), []string{"data", "dataFrom", "secretStoreRef", "target"}
	case "Certificate.cert-manager.io":
		return untyped.Text(spec, "secretName"), []string{"dnsNames", "commonName", "ipAddresses", "uris", "issuerRef", "privateKey", "usages", "isCA"}
	case "VaultStaticSecret.secrets.hashicorp.com", "VaultDynamicSecret.secrets.hashicorp.com", "VaultPKISecret.secrets.hashicorp.com":
		return untyped.Text(spec, "destination", "name"), []string{"path", "mount", "version", "role", "destination"}
	case "OnePasswordItem.onepassword.com":
		return o.Ref.Name, []string{"itemPath"}
	default:
		return "", nil
	}
}

// keysMadeOf returns the keys of the Secret that a controller makes of a custom resource. known is
// false where the manifest does not list all of them, or the Secret keeps others.
//
//   - A SealedSecret makes the keys of encryptedData and of the data of its template, and no others
//     unless an annotation of the Secret says that it is patched
//     (https://github.com/bitnami-labs/sealed-secrets, Unseal and "Patching existing secrets").
//   - An ExternalSecret makes those of data; dataFrom takes whatever the store has. The data of a
//     template replace them. Whoever else writes into the Secret counts only if creationPolicy is
//     Merge or Orphan, or deletionPolicy is Merge (https://external-secrets.io/latest/guides/ownership-deletion-policy).
func keysMadeOf(o *manifest.Object) (keys []string, known bool) {
	spec := Spec(o)
	switch o.Ref.GroupKind() {
	case "SealedSecret.bitnami.com":
		if untyped.Map(spec, "template", "metadata", "annotations")["sealedsecrets.bitnami.com/patch"] == "true" {
			return nil, false
		}
		return slices.Concat(manifest.Fields(untyped.Map(spec, "encryptedData")), manifest.Fields(untyped.Map(spec, "template", "data"))), true
	case "ExternalSecret.external-secrets.io":
		target := untyped.Map(spec, "target")
		policy := cmp.Or(untyped.Text(target, "creationPolicy"), "Owner")
		if policy != "Owner" || untyped.Text(target, "deletionPolicy") == "Merge" || len(untyped.Maps(target, "template", "templateFrom")) > 0 {
			return nil, false
		}
		data := manifest.Fields(untyped.Map(target, "template", "data"))
		if len(data) > 0 && untyped.Text(target, "template", "mergePolicy") != "Merge" {
			return data, true
		}
		for _, d := range untyped.Maps(spec, "data") {
			data = append(data, untyped.Text(d, "secretKey"))
		}
		return data, len(untyped.Maps(spec, "dataFrom")) == 0
	default:
		return nil, false
	}
}

// secretMakers are the custom resources of the new release of which Secrets are made. nil stands for
// several of one Secret.
func (u *Upgrade) secretMakers() map[manifest.Identity]*Object {
	makers := map[manifest.Identity]*Object{}
	for i := range u.Objects {
		o := &u.Objects[i]
		if o.New == nil || o.Hook != nil || u.Builtin(o.New.Ref.Group, o.New.Ref.Kind) {
			continue
		}
		name, _ := SecretMadeOf(o.New)
		if name == "" {
			continue
		}
		id := manifest.Identity{Kind: "Secret", Namespace: o.New.Ref.Namespace, Name: name}
		if _, another := makers[id]; another {
			o = nil
		}
		makers[id] = o
	}
	return makers
}

// followMade looks whether the Secret that a controller makes of a custom resource still has the key
// by which an object names it. old is what the object named before.
func (u *Upgrade) followMade(from, maker *Object, r reference.Reference, old []reference.Reference) {
	if maker == nil || r.Key == "" || r.Optional || from.Awaited() || maker.Change != nil && !maker.Done() {
		return
	}
	keys, known := keysMadeOf(maker.New)
	if !known || slices.Contains(keys, r.Key) {
		return
	}
	on := from
	because := fmt.Sprintf("%s does not make it", maker.New.Ref)
	if r.Among(old) { // what was missing before is not of this upgrade
		if !maker.Does(change.Update) || maker.Old == nil {
			return
		}
		if had, all := keysMadeOf(maker.Old); !all || !slices.Contains(had, r.Key) {
			return
		}
		because = fmt.Sprintf("%s no longer makes it", maker.New.Ref)
		if from.Change == nil || !starts(from.Change) {
			on = maker
		}
	}
	if on.Change == nil {
		return
	}
	to, _ := Servable(r.To)
	u.broken(Broken{On: on, From: from.New.Ref, To: to, Key: r.Key, Path: r.Path, Use: r.Use, Because: because})
}

// makesKey reports whether the Secret that is made of a custom resource of the new release has a key.
func (u *Upgrade) makesKey(id manifest.Identity, key string) bool {
	maker := u.links.makers[id]
	if maker == nil || key == "" {
		return false
	}
	keys, _ := keysMadeOf(maker.New)
	return slices.Contains(keys, key)
}

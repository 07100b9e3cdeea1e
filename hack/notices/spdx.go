package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
)

// document is the part of SPDX 2.3 that is needed to list modules:
// https://spdx.github.io/spdx-spec/v2.3/
type document struct {
	Version       string         `json:"spdxVersion"`
	DataLicense   string         `json:"dataLicense"`
	ID            string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      creation       `json:"creationInfo"`
	Packages      []spdxPackage  `json:"packages"`
	Relationships []relationship `json:"relationships"`
}

type creation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	ID        string      `json:"SPDXID"`
	Name      string      `json:"name"`
	Version   string      `json:"versionInfo,omitempty"`
	Location  string      `json:"downloadLocation"`
	Analyzed  bool        `json:"filesAnalyzed"`
	Concluded string      `json:"licenseConcluded"`
	Declared  string      `json:"licenseDeclared"`
	Copyright string      `json:"copyrightText"`
	Comment   string      `json:"comment,omitempty"`
	Refs      []reference `json:"externalRefs,omitempty"`
}

type reference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

// writeSPDX lists the modules of the program main.
func writeSPDX(w io.Writer, main, version, created string, modules []module) error {
	const root = "SPDXRef-program"
	doc := document{
		Version: "SPDX-2.3", DataLicense: "CC0-1.0", ID: "SPDXRef-DOCUMENT", Name: "helm-safe-diff-" + version,
		Namespace: "https://" + main + "/spdx/" + version,
		Creation:  creation{created, []string{"Tool: helm-safe-diff-notices"}},
		Packages: []spdxPackage{{
			ID: root, Name: main, Version: version, Location: "https://" + main, Concluded: "Apache-2.0", Declared: "Apache-2.0", Copyright: "NOASSERTION",
		}},
		Relationships: []relationship{{"SPDXRef-DOCUMENT", "DESCRIBES", root}},
	}
	for i, m := range modules {
		p := spdxPackage{
			ID: fmt.Sprintf("SPDXRef-module-%d", i), Name: m.path, Version: m.version,
			Location: "https://proxy.golang.org/" + m.path + "/@v/" + m.version + ".zip", Concluded: m.licence, Declared: m.licence, Copyright: "NOASSERTION",
			Refs: []reference{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + m.path + "@" + url.PathEscape(m.version)}},
		}
		if m.path == "std" {
			p.Location = "https://go.dev/dl/"
		}
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.sum, "h1:")); err == nil && len(sum) > 0 {
			p.Comment = "SHA-256 of the module's list of files (h1 in go.sum): " + hex.EncodeToString(sum)
		}
		doc.Packages = append(doc.Packages, p)
		doc.Relationships = append(doc.Relationships, relationship{root, "DEPENDS_ON", p.ID})
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(doc)
}

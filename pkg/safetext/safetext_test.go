package safetext

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"plain · text → ü 漢字":    "plain · text → ü 漢字",
		"a\tb":                   "a\tb",
		"a\nb\rc":                `a\nb\rc`,
		"\x1b[31mred\x07":        `\x1b[31mred\a`,
		"a\u2028b\u2029c\u0085":  `a\u2028b\u2029c\u0085`,
		"\u202egnp.exe\u2066":    `\u202egnp.exe\u2066`,
		"zero\u200bwidth\ufeff":  `zero\u200bwidth\ufeff`,
		"soft\u00adhyphen\u034f": `soft\u00adhyphen\u034f`,
		"tag\U000e0041":          `tag\U000e0041`,
		"\u009b31m":              `\u009b31m`,
		"no\u00a0break":          "no\u00a0break",
		"##[error]x":             `\x23#[error]x`,
		"a ##vso[task.x]y":       `a \x23#vso[task.x]y`,
		"##teamcity[x]":          `\x23#teamcity[x]`,
		"####[group]":            `##\x23#[group]`,
		"## title [1]":           "## title [1]",
		"::error::x":             "::error::x", // harmless in a line; see WithoutCommands
	} {
		if got := Line(text); got != want {
			t.Errorf("Line(%q) = %q, want %q", text, got, want)
		}
		if got := Line(Line(text)); got != want {
			t.Errorf("Line(Line(%q)) = %q, want %q", text, got, want)
		}
	}
}

func TestWithoutCommands(t *testing.T) {
	for text, want := range map[string]string{
		"::stop-commands::pwn":              `\x3a:stop-commands::pwn`,
		"a\n  \t::add-mask::x\nb":           "a\n  \t\\x3a:add-mask::x\nb",
		"\u00a0\u3000::error::x":            "\u00a0\u3000\\x3a:error::x",
		"\x1b[2m  ::error file=a,line=1::x": "\x1b[2m  \\x3a:error file=a,line=1::x",
		":\u0301:error::x":                  "\\x3a\u0301:error::x",
		"addr: ::1":                         "addr: ::1",
		"::1":                               "::1",
		"- ::error::x":                      "- ::error::x",
		"+::error::x":                       "+::error::x",
		"+##[add-mask]x":                    `+\x23#[add-mask]x`,
		"#\u0301#[error]":                   "\\x23\u0301#[error]",
		"std::vector and std::string":       "std::vector and std::string",
	} {
		if got := WithoutCommands(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestText(t *testing.T) {
	const text, want = "a\r\nb\rc\n  ::debug::\x1bx\n", "a\nb\\rc\n  \\x3a:debug::\\x1bx\n"
	if got := Text(text); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A command that is written in several parts is none in the end.
func TestWriter(t *testing.T) {
	var page bytes.Buffer
	w := &Writer{To: &page}
	for _, part := range []string{"#", "#[err", "or]x\n:", ":add-mask", "::y\nrest \xe2\x80", "\xae"} {
		if n, err := w.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if got, want := page.String(), "\\x23#[error]x\n\\x3a:add-mask::y\nrest \\u202e"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// JSON and YAML say the same text, and print nothing of it that steers.
func TestEncodings(t *testing.T) {
	for _, text := range []string{"\u202e\u2028\u009b\U000e0041\x7f", "##[error]x", "a\n::debug::\n\x1b[0m", "##vso[x]", `"quoted" \ ü`} {
		encoded, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		safe := JSON(encoded)
		var back struct{ Text string }
		if err := json.Unmarshal(safe, &back); err != nil || back.Text != text {
			t.Errorf("%q in JSON is %q: %q, %v", text, safe, back.Text, err)
		}
		quoted := YAML(text)
		back.Text = ""
		if err := yaml.Unmarshal([]byte("text: "+quoted), &back); err != nil || back.Text != text {
			t.Errorf("%q in YAML is %s: %q, %v", text, quoted, back.Text, err)
		}
		for _, s := range []string{string(safe), quoted} {
			if strings.Contains(s, "##[") || strings.Contains(s, "##vso[") || strings.IndexFunc(s, steers) >= 0 {
				t.Errorf("not safe: %q", s)
			}
		}
	}
}

func TestRepositoryPath(t *testing.T) {
	for text, want := range map[string]string{
		"shop/templates/web.yaml":      "shop/templates/web.yaml",
		"./shop/templates/../web.yaml": "",
		"./shop/web.yaml":              "shop/web.yaml",
		"shop//web.yaml":               "shop/web.yaml",
		"shop/a:b.yaml":                "shop/a:b.yaml",
		"shop/a..b.yaml":               "shop/a..b.yaml",
		"ünïcode/x.yaml":               "ünïcode/x.yaml",
		"../etc/passwd":                "",
		"shop/../../etc/passwd":        "",
		"shop/..":                      "",
		"..":                           "",
		".":                            "",
		"":                             "",
		"/etc/passwd":                  "",
		"//host/share":                 "",
		"~/x":                          "",
		"file:///etc/passwd":           "",
		"https://evil.example/x":       "",
		"javascript:alert(1)":          "",
		`C:\Windows`:                   "",
		"C:/Windows":                   "",
		`shop\..\..\x`:                 "",
		"shop/%2e%2e/%2E./x":           "",
		"shop/..%2f..%2fx":             "",
		"shop/.. /x":                   "",
		"shop/a\nb":                    "",
		"shop/a\u202eb":                "",
		"shop/a\x1b[0m":                "",
		"shop/100%.yaml":               "shop/100%.yaml",
	} {
		if got := RepositoryPath(text); got != want {
			t.Errorf("RepositoryPath(%q) = %q, want %q", text, got, want)
		}
	}
}

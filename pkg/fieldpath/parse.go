package fieldpath

import (
	"fmt"
	"strconv"
	"strings"
)

// Parse reads a path in the notation that String writes. An error says at which
// column the text is no path, counted from 1.
func Parse(text string) (Path, error) {
	if text == "." {
		return Path{}, nil
	}
	p := parser{text: text}
	path := Path{}
	for p.pos < len(text) || len(path) == 0 {
		e, err := p.element()
		if err != nil {
			return nil, err
		}
		path = append(path, e)
	}
	return path, nil
}

type parser struct {
	text string
	pos  int
}

func (p *parser) fail(reason string) error {
	return fmt.Errorf("parse path %q: column %d: %s", p.text, p.pos+1, reason)
}

// accept steps over a character if it comes next.
func (p *parser) accept(c byte) bool {
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *parser) element() (Element, error) {
	switch {
	case p.accept('.'):
		name, err := p.name()
		return Field(name), err
	case p.accept('['):
		return p.bracket()
	default:
		return Element{}, p.fail(`expected "." or "["`)
	}
}

// name reads a name that stands without quotes.
func (p *parser) name() (string, error) {
	end := len(p.text)
	if i := strings.IndexAny(p.text[p.pos:], ".[]=,\""); i >= 0 {
		end = p.pos + i
	}
	name := p.text[p.pos:end]
	if name == "" {
		return "", p.fail("expected the name of a field")
	}
	if !plain(name) {
		return "", p.fail(`a name with other characters than letters, digits, "_", "$" and "-" is in brackets and quotes`)
	}
	p.pos = end
	return name, nil
}

// bracket reads what follows "[": a field in quotes, a position, or keys.
func (p *parser) bracket() (Element, error) {
	if digits := p.digits(); digits != "" {
		index, err := strconv.Atoi(digits)
		if err != nil {
			return Element{}, p.fail("the position is too large")
		}
		p.pos += len(digits)
		return Index(index), p.closed()
	}
	var e Element
	for {
		name, quoted, err := p.keyName()
		if err != nil {
			return Element{}, err
		}
		if quoted && len(e.Keys) == 0 && p.accept(']') {
			if name == "" {
				p.pos -= len(`""]`)
				return Element{}, p.fail("the name of a field is empty")
			}
			return Field(name), nil
		}
		if !p.accept('=') {
			return Element{}, p.fail(`expected "="`)
		}
		key, err := p.keyValue()
		if err != nil {
			return Element{}, err
		}
		key.Name = name
		if e.Keys = append(e.Keys, key); !p.accept(',') {
			return e, p.closed()
		}
	}
}

func (p *parser) closed() error {
	if !p.accept(']') {
		return p.fail(`expected "]"`)
	}
	return nil
}

func (p *parser) digits() string {
	rest := p.text[p.pos:]
	return rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
}

func (p *parser) keyName() (name string, quoted bool, err error) {
	if strings.HasPrefix(p.text[p.pos:], `"`) {
		name, err = p.quoted()
		return name, true, err
	}
	name, err = p.name()
	return name, false, err
}

func (p *parser) quoted() (string, error) {
	prefix, err := strconv.QuotedPrefix(p.text[p.pos:])
	if err != nil {
		return "", p.fail("the quotes do not close, or hold an unknown escape")
	}
	s, err := strconv.Unquote(prefix)
	if err != nil {
		return "", p.fail("the quotes hold an unknown escape")
	}
	p.pos += len(prefix)
	return s, nil
}

// keyValue reads text in quotes, or a number or boolean without.
func (p *parser) keyValue() (Key, error) {
	if strings.HasPrefix(p.text[p.pos:], `"`) {
		s, err := p.quoted()
		return Key{Value: s, Quoted: true}, err
	}
	rest := p.text[p.pos:]
	if i := strings.IndexAny(rest, ",]"); i >= 0 {
		rest = rest[:i]
	}
	if !bare(rest) {
		return Key{}, p.fail("expected a number, true, false, or text in quotes")
	}
	p.pos += len(rest)
	return Key{Value: rest}, nil
}

// bare reports whether a value is a boolean or a number of JSON.
func bare(value string) bool {
	if value == "true" || value == "false" {
		return true
	}
	if strings.Trim(value, "+-.0123456789eE") != "" {
		return false
	}
	_, err := strconv.ParseFloat(value, 64)
	return err == nil
}

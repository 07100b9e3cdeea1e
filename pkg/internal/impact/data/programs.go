package data

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// release is a version of a program that keeps data: major, minor, patch.
type release [3]int

// program is one that keeps data, by the images that it comes in, and says which versions read
// what others have written.
type program struct {
	name string
	// images are the last parts of the names of its images.
	images []string
	// read finds the version in a tag; nil for one that begins with it.
	read func(tag string) (release, bool)
	// back is how much of a version must be lower for data not to be read: 1 for the major
	// number, 2 for the minor, 3 for any.
	back int
	// forward says what must be done before a newer version reads the data; "" for nothing, and
	// nil for a program of which no version asks for anything.
	forward func(from, to release) string
	// source is the page of the vendor that says so.
	source string
}

var numbers = regexp.MustCompile(`^v?(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,6}))?(?:$|[^\d])`)

// version reads a tag that begins with a version.
func version(tag string) (release, bool) {
	m := numbers.FindStringSubmatch(tag)
	if m == nil {
		return release{}, false
	}
	return numbersOf(m[1:]), true
}

func numbersOf(texts []string) release {
	var r release
	for i := range min(len(texts), len(r)) {
		r[i], _ = strconv.Atoi(texts[i]) // none is 0
	}
	return r
}

// after reads a tag that has the version behind some mark, such as -pg16.
func after(mark string) func(string) (release, bool) {
	expression := regexp.MustCompile(`(?:^|[^a-z])` + mark + `-?v?(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,6}))?(?:$|[^\d])`)
	return func(tag string) (release, bool) {
		m := expression.FindStringSubmatch(tag)
		if m == nil {
			return release{}, false
		}
		return numbersOf(m[1:]), true
	}
}

var dated = regexp.MustCompile(`^(?:RELEASE\.)?(20\d\d)[-.](\d{1,2})[-.](\d{1,2})`)

// date reads a tag that is a date.
func date(tag string) (release, bool) {
	m := dated.FindStringSubmatch(tag)
	if m == nil {
		return release{}, false
	}
	return numbersOf(m[1:]), true
}

// kafkaVersion reads the tags of the project itself, those of an operator (0.38.0-kafka-3.6.0)
// and those that begin with a version of Scala (2.13-2.8.1).
func kafkaVersion(tag string) (release, bool) {
	if strings.Contains(tag, "kafka-") {
		return after("kafka")(tag)
	}
	for _, scala := range []string{"2.11-", "2.12-", "2.13-"} {
		tag = strings.TrimPrefix(tag, scala)
	}
	return version(tag)
}

func (r release) before(other release, parts int) bool {
	return slices.Compare(r[:parts], other[:parts]) < 0
}

// String writes a version with its major and minor number.
func (r release) String() string { return fmt.Sprintf("%d.%d", r[0], r[1]) }

// skips reports whether major numbers are left out between two versions.
func skips(from, to release) bool { return to[0]-from[0] > 1 }

// between returns how many of some series lie between two versions. A series is called by its
// first version.
func between(list []release, from, to release) int {
	place := func(r release) int {
		n := -1
		for i, first := range list {
			if !r.before(first, 2) {
				n = i
			}
		}
		return n
	}
	if place(from) < 0 {
		return 0
	}
	return place(to) - place(from)
}

// unreadable says in one clause why a program cannot read the data of another version of it;
// "" if it can.
func (p *program) unreadable(from, to release) string {
	switch {
	case to.before(from, p.back):
		return fmt.Sprintf("%s %s cannot read what %s has written: the vendor supports no way back", p.name, p.called(to), p.called(from))
	case p.forward == nil || !from.before(to, len(from)):
		return ""
	}
	if step := p.forward(from, to); step != "" {
		return fmt.Sprintf("%s %s cannot read the data of %s without %s", p.name, p.called(to), p.called(from), step)
	}
	return ""
}

// called writes a version as far as it decides.
func (p *program) called(r release) string {
	switch {
	case p.back == 1 && (p.name != "postgres" || r[0] >= 10): // before 10 a series had two numbers
		return strconv.Itoa(r[0])
	case p.back == len(r):
		return fmt.Sprintf("%d.%d.%d", r[0], r[1], r[2])
	default:
		return r.String()
	}
}

// programOf returns the program that an image is of, and its version; nil if neither is known.
func programOf(image string) (*program, release) {
	if strings.Contains(image, "@") {
		image, _, _ = strings.Cut(image, "@")
	}
	name, tag, tagged := image, "", false
	if i := strings.LastIndexByte(image, ':'); i > strings.LastIndexByte(image, '/') {
		name, tag, tagged = image[:i], image[i+1:], true
	}
	if !tagged {
		return nil, release{}
	}
	table := programs()
	for i := range table {
		p := &table[i]
		if !slices.ContainsFunc(p.images, func(of string) bool { return name == of || strings.HasSuffix(name, "/"+of) }) {
			continue
		}
		read := p.read
		if read == nil {
			read = version
		}
		if r, known := read(tag); known {
			return p, r
		}
		return nil, release{}
	}
	return nil, release{}
}

package sandbox

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// This file reads a profile's YAML strictly. It walks the parsed nodes itself:
// the library's decoder, strict or not, takes 512.7 and "512" for 512, true for
// "true", drops keys that are not strings, and gives a position only for some
// mistakes. Here every value has exactly one type, every key is required, and
// every mistake has its place.

// maxMistakes bounds how many mistakes one error names.
const maxMistakes = 20

// yamlDoc is one document: where it came from, and what is wrong with it.
type yamlDoc struct {
	file     string
	inherits bool // what is left out is another document's
	mistakes []error
	more     int
}

// fail notes a mistake at a place; without one, at the start of the file.
func (d *yamlDoc) fail(at *token.Token, format string, args ...any) {
	if len(d.mistakes) == maxMistakes {
		d.more++
		return
	}
	line, column := 1, 1
	if at != nil && at.Position != nil {
		line, column = at.Position.Line, at.Position.Column
	}
	d.mistakes = append(d.mistakes, fmt.Errorf("%s:%d:%d: %s", d.file, line, column, fmt.Sprintf(format, args...)))
}

func (d *yamlDoc) err() error {
	err := errors.Join(d.mistakes...)
	if d.more > 0 {
		return fmt.Errorf("%w\nand %d more", err, d.more)
	}
	return err
}

// parse returns the document's root, whose fields are empty when there is none.
func (d *yamlDoc) parse(data []byte) yamlSection {
	none := yamlSection{doc: d, broken: true}
	if !utf8.Valid(data) {
		d.fail(nil, "not valid UTF-8")
		return none
	}
	tokens := lexer.Tokenize(string(data))
	if !d.plain(tokens) {
		return none
	}
	file, err := parser.Parse(tokens, 0) // also refuses duplicate keys
	if err != nil {
		var at yaml.Error
		if errors.As(err, &at) {
			d.fail(at.GetToken(), "%s", at.GetMessage())
		} else {
			d.fail(nil, "%v", err)
		}
		return none
	}
	if len(file.Docs) > 1 {
		d.fail(nil, "want one document, not %d", len(file.Docs))
		return none
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		d.fail(nil, "want a document: it is empty")
		return none
	}
	return yamlField{doc: d, node: file.Docs[0].Body}.section()
}

// plain refuses what a profile has no use for, before the recursive parser sees
// it: anchors, aliases, tags, directives, complex keys, and a nesting that would
// exhaust its stack.
func (d *yamlDoc) plain(tokens token.Tokens) bool {
	const maxDepth = 8
	flow, line, dashes := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.TagType, token.DirectiveType, token.MergeKeyType, token.MappingKeyType:
			d.fail(t, "%q: anchors, aliases, tags, directives, merges and complex keys are not for profiles", t.Value)
			return false
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow--
		case token.SequenceEntryType:
			if t.Position.Line != line {
				line, dashes = t.Position.Line, 0
			}
			dashes++
		}
		if flow > maxDepth || dashes > maxDepth {
			d.fail(t, "nested more than %d deep", maxDepth)
			return false
		}
	}
	return true
}

// yamlForm is what a string must look like, and how to say so.
type yamlForm struct {
	holds func(string) bool
	words string
}

// like is the form of strings that match the expression as a whole. It is compiled when
// there is one to match: what is initialised with the program delays its every start.
func like(expr, words string) yamlForm {
	compiled := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A(?:` + expr + `)\z`) })
	return yamlForm{func(s string) bool { return compiled().MatchString(s) }, words}
}

// oneOf is the form of strings from a closed list.
func oneOf(allowed ...string) yamlForm {
	return yamlForm{func(s string) bool { return slices.Contains(allowed, s) }, "one of " + strings.Join(allowed, ", ")}
}

// yamlField is one value in the document.
type yamlField struct {
	doc  *yamlDoc
	path string // for messages, "limits.memory_mib"
	node ast.Node
}

func (f yamlField) fail(format string, args ...any) {
	f.doc.fail(f.node.GetToken(), "%s: %s", f.path, fmt.Sprintf(format, args...))
}

// text returns a string's value; ok is false, and the mistake noted, otherwise.
func (f yamlField) text(want yamlForm) (value string, ok bool) {
	node, isString := f.node.(*ast.StringNode)
	if !isString || !want.holds(node.Value) {
		f.fail("want %s, not %s", want.words, sample(f.node))
		return "", false
	}
	return node.Value, true
}

// section returns a mapping's fields. What is not a mapping is noted, and
// reading from it yields zeros without further complaint.
func (f yamlField) section() yamlSection {
	s := yamlSection{doc: f.doc, path: f.path, at: f.node.GetToken()}
	var pairs []*ast.MappingValueNode
	switch node := f.node.(type) {
	case *ast.MappingNode:
		pairs = node.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{node}
	default:
		f.doc.fail(s.at, "%s: want a mapping, not %s", s.name("the profile"), sample(f.node))
		s.broken = true
		return s
	}
	s.fields = make(map[string]ast.Node, len(pairs))
	for _, pair := range pairs {
		key, ok := pair.Key.(*ast.StringNode)
		if !ok {
			f.doc.fail(pair.Key.GetToken(), "unknown key %s", sample(pair.Key))
			continue
		}
		s.keys = append(s.keys, key)
		s.fields[key.Value] = pair.Value
	}
	return s
}

// yamlSection is a mapping whose fields are read one by one; end then refuses the rest.
type yamlSection struct {
	doc    *yamlDoc
	path   string
	at     *token.Token
	keys   []*ast.StringNode
	fields map[string]ast.Node // those not read yet
	broken bool                // already reported: everything in it is zero
}

func (s yamlSection) name(root string) string {
	if s.path == "" {
		return root
	}
	return s.path
}

// take returns a field, once; without it, and nothing to inherit, the mistake is noted.
func (s yamlSection) take(key string) (yamlField, bool) {
	if s.broken {
		return yamlField{}, false
	}
	f := yamlField{doc: s.doc, path: strings.TrimPrefix(s.path+"."+key, "."), node: s.fields[key]}
	if f.node == nil {
		if !s.doc.inherits {
			s.doc.fail(s.at, "%s is missing", f.path)
		}
		return yamlField{}, false
	}
	delete(s.fields, key)
	return f, true
}

// end notes every field that was not taken.
func (s yamlSection) end() {
	for _, key := range s.keys {
		if _, left := s.fields[key.Value]; left {
			s.doc.fail(key.GetToken(), "unknown key %s in %s", sample(key), s.name("the profile"))
		}
	}
}

func (s yamlSection) section(key string) yamlSection {
	f, ok := s.take(key)
	if !ok {
		return yamlSection{doc: s.doc, broken: true}
	}
	return f.section()
}

// What follows reads one field each, and returns the other value where the field is
// left out.

func (s yamlSection) text(key string, want yamlForm, other string) string {
	f, ok := s.take(key)
	if !ok {
		return other
	}
	value, _ := f.text(want)
	return value
}

// integer reads a whole number within the bounds, both included.
func (s yamlSection) integer(key string, least, most, other int64) int64 {
	f, ok := s.take(key)
	if !ok {
		return other
	}
	if node, ok := f.node.(*ast.IntegerNode); ok {
		if value, ok := node.Value.(uint64); ok && value <= uint64(most) && int64(value) >= least {
			return int64(value)
		}
	}
	f.fail("want a whole number from %d to %d, not %s", least, most, sample(f.node))
	return 0
}

// boolean reads true or false.
func (s yamlSection) boolean(key string, other bool) bool {
	f, ok := s.take(key)
	if !ok {
		return other
	}
	node, ok := f.node.(*ast.BoolNode)
	if !ok {
		f.fail("want true or false, not %s", sample(f.node))
		return false
	}
	return node.Value
}

// duration reads a duration with its unit within the bounds, both included.
func (s yamlSection) duration(key string, least, most, other time.Duration) time.Duration {
	f, ok := s.take(key)
	if !ok {
		return other
	}
	if node, ok := f.node.(*ast.StringNode); ok {
		if value, err := time.ParseDuration(node.Value); err == nil && least <= value && value <= most {
			return value
		}
	}
	f.fail("want a duration with its unit from %v to %v, not %s", least, most, sample(f.node))
	return 0
}

// items reads a list, which may be empty; given is false where it is left out.
func (s yamlSection) items(key string) (items []yamlField, given bool) {
	f, ok := s.take(key)
	if !ok {
		return nil, false
	}
	node, ok := f.node.(*ast.SequenceNode)
	if !ok {
		f.fail("want a list ([] if there is nothing to list), not %s", sample(f.node))
		return nil, true
	}
	items = make([]yamlField, len(node.Values))
	for i, value := range node.Values {
		items[i] = yamlField{doc: s.doc, path: fmt.Sprintf("%s[%d]", f.path, i), node: value}
	}
	return items, true
}

// list reads a list of strings of one form, each at most once.
func (s yamlSection) list(key string, want yamlForm, other []string) []string {
	items, given := s.items(key)
	if !given {
		return other
	}
	list := make([]string, 0, len(items))
	seen := make(map[string]bool, len(items))
	for _, item := range items {
		value, ok := item.text(want)
		if ok && seen[value] {
			item.fail("%q is listed twice", value)
		}
		seen[value] = true
		list = append(list, value)
	}
	return list
}

// sample shows a value of the document in a message, cut to a readable length.
func sample(node ast.Node) string {
	const most = 60
	if _, null := node.(*ast.NullNode); null {
		return "null"
	}
	text := node.String()
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return fmt.Sprintf("%q", text)
}

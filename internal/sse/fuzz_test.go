package sse_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/sandflare/sandflare-go/internal/sse"
)

// plainly reads a whole stream by the letter of the grammar, slow and simple.
func plainly(input string) (events []event, err error) {
	text := strings.TrimPrefix(input, "\uFEFF")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	var name string
	var data []string
	open := false
	lines := strings.Split(text, "\n")
	for _, line := range lines[:len(lines)-1] {
		if line == "" {
			if data != nil || name != "" {
				events = append(events, event{name, strings.Join(data, "\n")})
			}
			name, data, open = "", nil, false
			continue
		}
		open = true
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			data = append(data, value)
		}
	}
	if open || lines[len(lines)-1] != "" {
		return events, io.ErrUnexpectedEOF
	}
	return events, io.EOF
}

func FuzzSSE(f *testing.F) {
	for _, test := range grammar {
		f.Add(test.input, uint16(3))
	}
	f.Fuzz(func(t *testing.T, input string, seed uint16) {
		want, wantErr := plainly(input)
		if strings.HasPrefix("\uFEFF", input) && input != "" {
			wantErr = io.EOF // a mark alone, or a part of one: both ends will do
			if input != "\uFEFF" {
				wantErr = io.ErrUnexpectedEOF
			}
		}
		state := uint32(seed) + 1
		random := func() int {
			state = state*1664525 + 1013904223
			return int(state>>24)%7 + 1
		}
		for _, r := range []io.Reader{strings.NewReader(input), &chunks{input: input, sizes: random}} {
			got, err := readAll(r)
			assert.Equal(t, want, got)
			assert.Equal(t, wantErr, err)
		}
	})
}

func decodePlainly(data []byte) (string, bool) {
	var object struct {
		Line *string `json:"line"`
	}
	if json.Unmarshal(data, &object) != nil || object.Line == nil {
		return "", false
	}
	return *object.Line, true
}

func FuzzDecodeLine(f *testing.F) {
	for data := range lines {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		want, wantOK := decodePlainly(data)
		got, ok := sse.DecodeLine(data)
		assert.Equal(t, want, got)
		assert.Equal(t, wantOK, ok)
		if utf8.Valid(data) { // as text in the exact shape
			quoted := `{"line":"` + string(data) + `"}`
			want, wantOK = decodePlainly([]byte(quoted))
			got, ok = sse.DecodeLine([]byte(quoted))
			assert.Equal(t, want, got)
			assert.Equal(t, wantOK, ok)
		}
	})
}

var lines = map[string]struct {
	line string
	ok   bool
}{
	`{"line":"hello"}`:               {"hello", true},
	`{"line": "hello"}`:              {"hello", true},
	`{"line":""}`:                    {"", true},
	` { "line" : "a" } `:             {"a", true},
	`{"line":"a\tb\"c\\ \u00e9 \n"}`: {"a\tb\"c\\ é \n", true},
	`{"line":"日本 \ud83d\ude00"}`:     {"日本 😀", true},
	"{\"line\":\"\xff\"}":            {"\uFFFD", true},
	`{"line":"\ud800"}`:              {"\uFFFD", true},
	`{"line":"a","line":"b"}`:        {"b", true},
	`{"LINE":"a","x":1}`:             {"a", true},
	`{"line":null}`:                  {"", false},
	`{"line":7}`:                     {"", false},
	`{"text":"a"}`:                   {"", false},
	`{"line":"a"} x`:                 {"", false},
	`{"line":"a`:                     {"", false},
	`{"line":"`:                      {"", false},
	`{"line": "}`:                    {"", false},
	`{"line": `:                      {"", false},
	`{"line":"1234567\"}`:            {"", false},
	`{"line":"1234567\\"}`:           {`1234567\`, true},
	`{"line":"12345678é"}`:           {"12345678é", true},
	`{"line":"12345678901"2345678"}`: {"", false},
	`{"line":"}`:                     {"", false},
	"{\"line\":\"a\x01\"}":           {"", false},
	"{\"line\":\"a\x7f\"}":           {"a\x7f", true},
	`"text"`:                         {"", false},
	`text`:                           {"", false},
	``:                               {"", false},
	`null`:                           {"", false},
	`[]`:                             {"", false},
}

func TestDecodeLine(t *testing.T) {
	t.Parallel()
	for data, want := range lines {
		line, ok := sse.DecodeLine([]byte(data))
		assert.Equal(t, want.line, line, data)
		assert.Equal(t, want.ok, ok, data)
	}
}

func TestPlainLinesTakeTheFastPath(t *testing.T) {
	data := []byte(`{"line":"total 48 drwxr-xr-x 日本"}`)
	allocs := testing.AllocsPerRun(100, func() { sse.DecodeLine(data) })
	assert.LessOrEqual(t, allocs, 1.0)
}

func BenchmarkNext(b *testing.B) {
	input := strings.Repeat("event: stdout\ndata: {\"line\":\"hello, world\"}\n\n", 10_000)
	b.SetBytes(int64(len(input)))
	for b.Loop() {
		reader := sse.NewReader(strings.NewReader(input))
		for {
			frame, err := reader.Next()
			if err != nil {
				break
			}
			sse.DecodeLine(frame.Data)
		}
	}
}

package sse_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/sse"
)

type event struct{ name, data string }

func readAll(r io.Reader) (events []event, err error) {
	reader := sse.NewReader(r)
	for {
		frame, err := reader.Next()
		if err != nil {
			return events, err
		}
		events = append(events, event{frame.Event, string(frame.Data)})
	}
}

// grammar lists inputs with what they mean. The first words of a name are the fault matrix's rows.
var grammar = []struct {
	name, input string
	want        []event
	err         error
}{
	{"S1_end_without_done", "event: stdout\ndata: a\n\n", []event{{"stdout", "a"}}, io.EOF},
	{"S1_nothing", "", nil, io.EOF},
	{"S2_half_event", "data: a\n\nevent: stdout\ndata: b\n", []event{{"", "a"}}, io.ErrUnexpectedEOF},
	{"S2_half_line", "data: a\n\nda", []event{{"", "a"}}, io.ErrUnexpectedEOF},
	{"S3_done_without_data", "event: done\n\n", []event{{"done", ""}}, io.EOF},
	{"S4_comments", ": beat\n\n:\n\n\n\ndata: a\n\n: beat\n\n", []event{{"", "a"}}, io.EOF},
	{"S4_comment_within", "data: a\n: beat\ndata: b\n\n", []event{{"", "a\nb"}}, io.EOF},
	{"S5_crlf", "event: stderr\r\ndata: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", []event{{"stderr", "a\nb"}, {"", "c"}}, io.EOF},
	{"S5_cr", "event: stderr\rdata: a\r\rdata: c\r\r", []event{{"stderr", "a"}, {"", "c"}}, io.EOF},
	{"S5_mixed", "data: a\r\n\ndata: b\n\r\ndata: c\r\r\ndata: d\n\rdata: e\r\n\r", []event{{"", "a"}, {"", "b"}, {"", "c"}, {"", "d"}, {"", "e"}}, io.EOF},
	{"S5_mark", "\uFEFFdata: a\n\n\uFEFFdata: b\n\n", []event{{"", "a"}}, io.EOF},
	{"S5_mark_and_blank_lines", "\uFEFF\n\r\ndata: a\n\n", []event{{"", "a"}}, io.EOF},
	{"S5_half_mark", "\xEF\xBB", nil, io.ErrUnexpectedEOF},
	{"S6_lines_of_data", "data: a\ndata:\ndata: c\n\n", []event{{"", "a\n\nc"}}, io.EOF},
	{"S6_blanks_after_colon", "data:a\n\ndata:  b \n\nevent:x\ndata:\tc\n\n", []event{{"", "a"}, {"", " b "}, {"x", "\tc"}}, io.EOF},
	{"S6_no_colon", "data\n\ndata\ndata\n\nevent\n\n", []event{{"", ""}, {"", "\n"}}, io.EOF},
	{"S6_unknown_fields", "id: 7\nretry: 10\nfoo: bar\nDATA: x\n data: y\n\ndata: a\n\n", []event{{"", "a"}}, io.EOF},
	{"S6_last_name_wins", "event: a\nevent: stdout\ndata: x\n\nevent: a\nevent:\ndata: y\n\n", []event{{"stdout", "x"}, {"", "y"}}, io.EOF},
	{"S6_colons_in_data", "data: a: b\n\ndata::\n\n", []event{{"", "a: b"}, {"", ":"}}, io.EOF},
	{"S8_any_data", "data: {\"line\": \"x\"}\n\ndata: plain\n\ndata: {half\n\n", []event{{"", `{"line": "x"}`}, {"", "plain"}, {"", "{half"}}, io.EOF},
	{"S9_events_after_done", "event: done\ndata: {}\n\ndata: a\n\n", []event{{"done", "{}"}, {"", "a"}}, io.EOF},
	{"S18_lines_of_output", "event: stdout\ndata: a\n\nevent: stderr\ndata: b\n\nevent: stdout\ndata:\n\n", []event{{"stdout", "a"}, {"stderr", "b"}, {"stdout", ""}}, io.EOF},
	{"S18_nearly_lines_of_output", "event: stdout\ndata: a\ndata: b\n\nevent: stdouts\ndata: c\n\nevent: stdout\ndata: d\nid: 7\n\nevent: stdin!\ndata: e\n\n",
		[]event{{"stdout", "a\nb"}, {"stdouts", "c"}, {"stdout", "d"}, {"stdin!", "e"}}, io.EOF},
	{"S18_blank_lines_between", "event: stdout\ndata: a\n\n\nevent: stdout\ndata: b\n\n\n\n\nevent: stdout\ndata: c\n\n\n", []event{{"stdout", "a"}, {"stdout", "b"}, {"stdout", "c"}}, io.EOF},
	{"S18_empty_data", "event: stdout\ndata: \n\nevent: stdout\ndata: \n\n", []event{{"stdout", ""}, {"stdout", ""}}, io.EOF},
	{"S19_bytes_that_mask_line_ends", "data: a\xfab\n\ndata: \xfd\xfd\n\ndata: \xfa\xfa\n\ndata: c\n\n", []event{{"", "a\xfab"}, {"", "\xfd\xfd"}, {"", "\xfa\xfa"}, {"", "c"}}, io.EOF},
	{"S19_bytes_pass", "data: a\x00\xff日本\n\n", []event{{"", "a\x00\xff日本"}}, io.EOF},
}

// slowly gives a few bytes per Read: every one but the last as short as that.
func slowly(input string, size int) io.Reader {
	return &chunks{input: input, sizes: func() int { return size }}
}

// chunks hands out its input in pieces.
type chunks struct {
	input string
	sizes func() int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.input == "" {
		return 0, io.EOF
	}
	n := copy(p, c.input[:min(c.sizes(), len(c.input))])
	c.input = c.input[n:]
	return n, nil
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, test := range grammar {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			check := func(how string, r io.Reader) {
				got, err := readAll(r)
				assert.Equal(t, test.want, got, how)
				assert.Equal(t, test.err, err, how)
			}
			check("whole", strings.NewReader(test.input))
			check("bytes", iotest.OneByteReader(strings.NewReader(test.input)))
			check("halves", iotest.HalfReader(strings.NewReader(test.input)))
			check("end with data", iotest.DataErrReader(strings.NewReader(test.input)))
			for at := range len(test.input) {
				check("split", io.MultiReader(strings.NewReader(test.input[:at]), strings.NewReader(test.input[at:])))
			}
			for size := 2; size < 9; size++ {
				check("pieces", slowly(test.input, size))
			}
		})
	}
}

// S13: an error of the input comes through as it is, also behind half an event.
func TestFaults_S13_input_fails(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	for input, truncated := range map[string]bool{"data: a\n\n": false, "data: a\n\ndata: b\n": true} {
		reader := sse.NewReader(io.MultiReader(strings.NewReader(input), iotest.ErrReader(broken)))
		frame, err := reader.Next()
		require.NoError(t, err)
		assert.Equal(t, "a", string(frame.Data))
		for range 2 { // an end stays an end
			_, err = reader.Next()
			assert.Equal(t, broken, err)
			assert.Equal(t, truncated, reader.Truncated())
		}
	}
}

func TestSourceWithoutProgress(t *testing.T) {
	t.Parallel()
	_, err := readAll(&chunks{input: "x", sizes: func() int { return 0 }})
	assert.Equal(t, io.ErrNoProgress, err)
}

// An event is delivered before more is read: a reader that waits for what
// follows would hold back a command's last line.
func TestNoDelay(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n\n", "\r\r", "\r\n\r\n", "\r\n\r", "\n\r"} {
		source, feed := io.Pipe()
		reader := sse.NewReader(source)
		for _, text := range []string{"one", "two"} {
			go io.WriteString(feed, "event: stdout\ndata: "+text+end)
			frame, err := reader.Next() // nothing follows: it would wait for ever
			require.NoError(t, err)
			assert.Equal(t, text, string(frame.Data))
		}
		go io.WriteString(feed, "\ndata: a\n\ndata: b\n\nda")
		for _, text := range []string{"a", "b"} {
			frame, err := reader.Next()
			require.NoError(t, err)
			assert.Equal(t, text, string(frame.Data))
		}
		feed.Close()
		_, err := reader.Next()
		assert.Equal(t, io.ErrUnexpectedEOF, err)
	}
}

// An empty read is not an end.
func TestEmptyReads(t *testing.T) {
	t.Parallel()
	turn := 0
	got, err := readAll(&chunks{input: "data: a\r\n\r\ndata: b\n\n", sizes: func() int { turn++; return turn % 2 }})
	assert.Equal(t, []event{{"", "a"}, {"", "b"}}, got)
	assert.Equal(t, io.EOF, err)
}

package wire_test

import (
	"encoding/json"
	"math"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/wire"
)

// shapes are all that answers are decoded into.
var shapes = []any{
	wire.Sandbox{}, wire.ExecResult{}, wire.KernelResult{}, wire.CloneResult{}, wire.FileEntry{}, wire.KeepAliveResult{},
	wire.ForkResult{}, wire.Logs{}, wire.Snapshot{}, wire.AutoSnapshot{}, wire.MetricsReport{}, wire.Process{},
	wire.MemoryResults{}, wire.Memories{}, wire.Memory{}, wire.Template{}, wire.Volume{}, wire.Error{},
}

// fields are the names that a shape is written with.
func fields(shape any) (names []string) {
	for i := range reflect.TypeOf(shape).NumField() {
		name, _, _ := strings.Cut(reflect.TypeOf(shape).Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// Whatever stands where a value should be: an error or a value, no panic.
func TestFaults_B9_AnythingAnywhere(t *testing.T) {
	t.Parallel()
	values := []string{`null`, `""`, `"x"`, `0`, `-1`, `1.5`, `true`, `[]`, `[null]`, `{}`, `{"":null}`, `[[1],{"a":[]}]`}
	for _, shape := range shapes {
		for _, name := range append(fields(shape), "unknown") {
			for _, value := range values {
				target := reflect.New(reflect.TypeOf(shape))
				document := `{"` + name + `":` + value + `}`
				err := wire.Decode([]byte(document), target.Interface())
				if value == `null` || name == "unknown" {
					assert.NoError(t, err, "%T %s", shape, document)
					assert.Equal(t, shape, target.Elem().Interface(), "%T %s", shape, document)
				}
			}
		}
	}
}

// JSON text cannot carry every byte: what it cannot comes as U+FFFD.
func TestFaults_B11_TextThatIsNone(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		"{\"stdout\":\"a\xffb\xc3\"}":  "a\uFFFDb\uFFFD",
		`{"stdout":"\ud800 \udfff x"}`: "\uFFFD \uFFFD x",
		`{"stdout":"\u0000\u001b[0m"}`: "\x00\x1b[0m",
		`{"stdout":"\ud83d\ude00"}`:    "😀",
	} {
		var result wire.ExecResult
		require.NoError(t, wire.Decode([]byte(document), &result))
		assert.Equal(t, want, result.Stdout, "%q", document)
	}
	var lenient wire.ExecResult
	require.NoError(t, wire.Decode([]byte("{\"stdout\":\"a\xff\",\"exit_code\":\"7\"}"), &lenient))
	assert.Equal(t, "a\uFFFD", lenient.Stdout)
}

func TestFaults_B12_DeepNesting(t *testing.T) {
	t.Parallel()
	const deep = 100_000
	for _, nest := range [][2]string{{"[", "]"}, {`{"a":`, "}"}} {
		value := strings.Repeat(nest[0], deep) + "1" + strings.Repeat(nest[1], deep)
		for _, document := range []string{value, `{"exit_code":"1","x":` + value + `}`, `{"metadata":` + value + `}`} {
			for _, shape := range shapes {
				err := wire.Decode([]byte(document), reflect.New(reflect.TypeOf(shape)).Interface())
				assert.ErrorContains(t, err, "max depth")
			}
			_, err := wire.DecodeList[wire.Sandbox]([]byte(document), "x")
			assert.Error(t, err)
			assert.Empty(t, wire.Refused([]byte(document)))
		}
	}
}

// Keys match whatever their case; of equal ones the last wins, in both tries.
func TestFaults_B14_KeysTwice(t *testing.T) {
	t.Parallel()
	for _, document := range []string{`{"name":"a","memory_mb":1,"NAME":"b"}`, `{"NAME":"a","name":"b"}`, `{"name":"a","name":"b","memory_mb":"1"}`} {
		var sb wire.Sandbox
		require.NoError(t, wire.Decode([]byte(document), &sb))
		assert.Equal(t, "b", sb.Name, document)
	}
	for range 50 { // where the order is lost, the choice is the same every time
		var sb wire.Sandbox
		require.NoError(t, wire.Decode([]byte(`{"NAME":"a","Name":"b","nAME":"c","memory_mb":"1"}`), &sb))
		require.Equal(t, "c", sb.Name)
	}
}

func TestNumbersTooLargeStayText(t *testing.T) {
	t.Parallel()
	var m wire.Memory
	require.NoError(t, wire.Decode([]byte(`{"metadata":{"n":1e400,"list":[1,1e999]}}`), &m))
	assert.Equal(t, map[string]any{"n": "1e400", "list": []any{1.0, "1e999"}}, m.Metadata)
}

// What decodes strictly decodes the same leniently.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"sb-1","memory_mb":"512","metadata":{"a":1},"created_at":1,"tags":"x"}`))
	f.Add([]byte(`{"sandboxes":[{"exit_code":1e3}],"processes":[{"pid":1}]}`))
	f.Add([]byte(`{"memories":[{"metadata":{"a":[1,2.5,"x",null,{}]},"score":1e-9}],"results":[]}`))
	f.Add([]byte(`{"created_at":"2026-03-04T05:06:07Z","mtime":1772600767.5,"tags":["a","b"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, shape := range shapes {
			strict, lenient, got := reflect.New(reflect.TypeOf(shape)), reflect.New(reflect.TypeOf(shape)), reflect.New(reflect.TypeOf(shape))
			strictErr := json.Unmarshal(data, strict.Interface())
			err := wire.Decode(data, got.Interface())
			if strictErr == nil {
				require.NoError(t, err)
				require.Equal(t, strict.Interface(), got.Interface())
			}
			if strictErr == nil && !twins(data) && string(data) != "null" {
				require.NoError(t, wire.DecodeLenient(data, lenient.Interface()))
				require.Equal(t, strict.Interface(), lenient.Interface(), "%T", shape)
			}
		}
		list, err := wire.DecodeList[wire.Process](data, "processes")
		require.Equal(t, err == nil, list != nil)
		wire.Refused(data)
		wire.ErrorText(data)
		wire.LineText(data)
	})
}

// twins reports keys of one object that are equal without regard to case.
func twins(data []byte) bool {
	var document any
	_ = json.Unmarshal(data, &document)
	total, distinct := 0, 0
	var count func(v any)
	count = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				count(x)
			}
		case map[string]any:
			keys := map[string]bool{}
			for key, x := range v {
				keys[strings.ToLower(strings.ToUpper(key))] = true
				count(x)
			}
			total, distinct = total+len(v), distinct+len(keys)
		}
	}
	count(document)
	return total != distinct || strings.Count(string(data), `":`) > total || strings.Contains(string(data), `\u`)
}

// A time reads back as what it was written as.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{`"2026-03-04T05:06:07Z"`, `1772600767.25`, `"1772600767"`, `"2026-03-04"`, `null`, `"`, `1e300`, `-0`, `"2026-03-04 05:06:07+01:00"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second wire.Time
		require.NoError(t, first.UnmarshalJSON(data))
		raw, err := first.MarshalJSON()
		require.NoError(t, err)
		require.NoError(t, second.UnmarshalJSON(raw))
		if year := first.Year(); !first.IsZero() && year > 0 && year < 10_000 {
			require.True(t, first.Equal(second.Time), "%s became %s", data, raw)
		}
		var unix wire.UnixTime
		require.NoError(t, unix.UnmarshalJSON(data))
		_, err = unix.MarshalJSON()
		require.NoError(t, err)
	})
}

// A segment stays one: the path has as many parts, and reads back as it was given.
func FuzzFill(f *testing.F) {
	for _, seed := range []string{"sb-1", "..", "a/b", "%2e%2e", "?x", "#", `\`, "é", "\xff", "a b", ""} {
		f.Add(seed, "7")
	}
	f.Fuzz(func(t *testing.T, name, pid string) {
		path := wire.KillProcess.Fill(name, pid)
		parts := strings.Split(path, "/")
		require.Len(t, parts, 5)
		for i, want := range []string{"", "sandboxes", name, "processes", pid} {
			got, err := url.PathUnescape(parts[i])
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		require.False(t, strings.ContainsAny(path, "?# \\") || slices.ContainsFunc([]byte(path), func(c byte) bool { return c < ' ' || c > '~' }), path)
	})
}

// FuzzPortURL: the preview of a port is a URL of the same domain, or none.
func FuzzPortURL(f *testing.F) {
	f.Add("https://3000-sb-1.sandflare.io/", uint16(8000))
	f.Add("://", uint16(1))
	f.Fuzz(func(t *testing.T, preview string, port uint16) {
		got := wire.PortURL(preview, string(rune('0'+port%10)))
		if got == "" {
			return
		}
		_, err := url.Parse(preview)
		require.NoError(t, err)
		require.Contains(t, got, string(rune('0'+port%10))+"-")
	})
}

func TestMetricsKeepTheirRange(t *testing.T) {
	t.Parallel()
	var m wire.MetricsReport
	require.NoError(t, wire.Decode([]byte(`{"mem_total":9223372036854775807,"cpu_used_pct":"12.5","ts":"1.5"}`), &m))
	assert.Equal(t, int64(math.MaxInt64), m.MemTotal)
	assert.InDelta(t, 12.5, m.CPUUsedPct, 0)
}

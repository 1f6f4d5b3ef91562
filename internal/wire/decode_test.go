package wire_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go/internal/wire"
)

func TestFaults_B10_LenientWhereItIsHarmless(t *testing.T) {
	t.Parallel()
	for name, document := range map[string]string{
		"typed":             `{"name":"sb-1","memory_mb":512,"ttl_hours":1.5,"ephemeral":true,"metadata":{"a":"1"}}`,
		"numbers as text":   `{"name":"sb-1","memory_mb":"512","ttl_hours":"1.5","ephemeral":"true","metadata":{"a":1}}`,
		"floats for ints":   `{"name":"sb-1","memory_mb":512.0,"ttl_hours":1.5,"ephemeral":1,"metadata":{"a":"1"}}`,
		"exponents":         `{"name":"sb-1","memory_mb":5.12e2,"ttl_hours":15e-1,"ephemeral":true,"metadata":{"a":1}}`,
		"unknown fields":    `{"name":"sb-1","memory_mb":"512","ttl_hours":1.5,"ephemeral":true,"metadata":{"a":"1"},"new":{"x":[1]}}`,
		"other letter case": `{"NAME":"sb-1","Memory_MB":"512","ttl_hours":1.5,"ephemeral":true,"metadata":{"a":"1"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sb wire.Sandbox
			require.NoError(t, wire.Decode([]byte(document), &sb))
			assert.Equal(t, wire.Sandbox{Name: "sb-1", MemoryMB: 512, TTLHours: 1.5, Ephemeral: true, Metadata: map[string]string{"a": "1"}}, sb)
		})
	}
}

func TestFaults_B9_Nulls(t *testing.T) {
	t.Parallel()
	var sb wire.Sandbox
	require.NoError(t, wire.Decode([]byte(`{"name":null,"memory_mb":null,"metadata":null,"created_at":null,"ephemeral":null,"size":7}`), &sb))
	assert.Equal(t, wire.Sandbox{Size: "7"}, sb)

	var result wire.ExecResult
	require.NoError(t, wire.Decode([]byte(`{"exit_code":null,"stdout":null}`), &result))
	assert.Nil(t, result.ExitCode)
}

func TestFaults_B8_B10_B12_DecodeRefuses(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`{"exit_code":"soon"}`:                                 "exit_code should be a whole number, but is soon",
		`{"exit_code":1.5}`:                                    "exit_code should be a whole number, but is 1.5",
		`{"exit_code":1180591620717411303424}`:                 "exit_code should be a whole number",
		`{"exit_code":1e999999999}`:                            "exit_code should be a whole number",
		`{"exit_code":NaN}`:                                    "no JSON document",
		`{"exit_code":[1]}`:                                    "exit_code should be a whole number",
		`{"exit_code":"` + strings.Repeat("secret", 10) + `"}`: "should be a whole number, but is something of 60 bytes", // half a secret is not known for one
		`{"exit_code":1} trailing`:                             "no JSON document",
		`{"exit_code":1}{"exit_code":2}`:                       "no JSON document",
		`[1]`:                                                  "should be an object",
		`<html>`:                                               "no JSON document",
		strings.Repeat("[", 100_000):                           "exceeded max depth",
	} {
		var result wire.ExecResult
		err := wire.Decode([]byte(document), &result)
		if assert.Error(t, err, document[:min(len(document), 40)]) {
			assert.Contains(t, err.Error(), want)
			assert.NotErrorIs(t, err, io.ErrUnexpectedEOF)
		}
	}
}

func TestDecodeTellsACutDocument(t *testing.T) {
	t.Parallel()
	const document = `{"name":"sb-1","metadata":{"a":"1"}}`
	for i := range len(document) {
		var sb wire.Sandbox
		err := wire.Decode([]byte(document[:i]), &sb)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "cut at %d", i)
	}
}

func TestDecodeList(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]int{
		`[]`: 0, `null`: 0, `[{"name":"a"}]`: 1, `{"sandboxes":[{"name":"a"},{"name":2}]}`: 2,
		` {"files":null}`: 0, `{"other":1,"files":[{}]}`: 1,
	} {
		list, err := wire.DecodeList[wire.Sandbox]([]byte(document), "sandboxes", "files")
		require.NoError(t, err, document)
		assert.NotNil(t, list)
		assert.Len(t, list, want, document)
	}
	for _, document := range []string{`{"other":[]}`, `7`, `"x"`, `[1]`, `{"files":{}}`} {
		_, err := wire.DecodeList[wire.Sandbox]([]byte(document), "files")
		assert.Error(t, err, document)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for _, text := range []string{
		`"2026-03-04T05:06:07Z"`, `"2026-03-04T06:06:07+01:00"`, `"2026-03-04T05:06:07"`, `"2026-03-04T05:06:07.000000"`,
		`"2026-03-04 05:06:07"`, `1772600767`, `1772600767.0`, `"1772600767"`,
	} {
		var got wire.Time
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		assert.True(t, want.Equal(got.Time), "%s is %v", text, got)
	}
	for _, text := range []string{`null`, `""`, `"soon"`, `-1`, `1e300`, `{"a":1}`, `true`} {
		var got wire.Time
		require.NoError(t, json.Unmarshal([]byte(text), &got), text)
		assert.True(t, got.IsZero(), text)
	}
}

func TestTimesAreWrittenAsTheyAreRead(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 250_000_000, time.FixedZone("", 3600))
	raw, err := json.Marshal(wire.Time{Time: at})
	require.NoError(t, err)
	assert.Equal(t, `"2026-03-04T04:06:07.25Z"`, string(raw))
	raw, err = json.Marshal(wire.UnixTime{Time: at})
	require.NoError(t, err)
	assert.Equal(t, `1772597167.25`, string(raw))
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	sb := wire.Sandbox{SandboxID: "sb-2", MemoryMB: 2048, Template: "t", PreviewURL: "https://3000-sb-2.sandflare.io/"}
	sb.Normalize()
	assert.Equal(t, "sb-2", sb.Name)
	assert.Equal(t, "medium", sb.Size)
	assert.Equal(t, "t", sb.TemplateID)
	assert.Equal(t, "https://sb-2.sandflare.io/", sb.SubdomainURL)
}

func TestPortURL(t *testing.T) {
	t.Parallel()
	for preview, want := range map[string]string{
		"https://3000-sb-1.sandflare.io/":  "https://8000-sb-1.sandflare.io/",
		"https://3000-sb-1.sandflare.io":   "https://8000-sb-1.sandflare.io/",
		"https://sb-1.sandflare.io/":       "https://8000-sb-1.sandflare.io/",
		"https://-sb-1.sandflare.io:81/a/": "https://8000--sb-1.sandflare.io:81/a/",
		"":                                 "",
		"::":                               "",
	} {
		assert.Equal(t, want, wire.PortURL(preview, "8000"), preview)
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][2]string{
		`{"error":"no"}`:                         {"no", ""},
		`{"message":"no"}`:                       {"no", ""},
		`{"detail":"no"}`:                        {"no", ""},
		`{"error":{"message":"no"}}`:             {"no", ""},
		`{"error":"no","upgrade_url":"https:x"}`: {"no", "https:x"},
		`<html>`:                                 {"", ""},
		`[1]`:                                    {"", ""},
		`{"error":7}`:                            {"", ""},
		`{"error":"no","upgrade_url":7}`:         {"no", ""},
	} {
		text, upgrade := wire.ErrorText([]byte(body))
		assert.Equal(t, want, [2]string{text, upgrade}, body)
	}
}

func TestFaults_H13_SuccessThatReportsAFailure(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"success":false}`:                "the service reported a failure without a reason",
		`{"success":false,"message":"no"}`: "no",
		`{"error":"no"}`:                   "no",
		`{"error":"no","message":7}`:       "no",
		`{"error":{"message":"no"}}`:       "no",
		`{"success":"false","message":[]}`: "the service reported a failure without a reason",
		`{"success":"true","error":false}`: "",
		`{"success":true,"error":""}`:      "",
		`{"success":true,"error":null}`:    "",
		`{"stdout":"\"error\""}`:           "",
		`[{"error":"no"}]`:                 "",
		``:                                 "",
	} {
		assert.Equal(t, want, wire.Refused([]byte(body)), body)
	}
}

func TestLineText(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"line":"a"}`: "a", `{"line": "ü","x":1}`: "ü", `{"error":"e"}`: "e", `"text"`: "text", `plain`: "plain",
		`{"line":7}`: `{"line":7}`, `{broken`: "{broken", `7`: "7", `null`: "null", "\xff": "\uFFFD", ``: "",
	} {
		assert.Equal(t, want, wire.LineText([]byte(data)), data)
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "/sandboxes", wire.SandboxCreate.Fill())
	assert.Equal(t, "/sandboxes/sb%201/processes/7", wire.KillProcess.Fill("sb 1", "7"))
	assert.Equal(t, "/volumes/%C3%A9", wire.VolumeGet.Fill("é"))
}

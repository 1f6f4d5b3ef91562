package dockerfile_test

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/sandflare/sandflare-go/internal/local/dockerfile"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var vars = map[string]string{"V": "val", "E": "", "QUOTE": `a"b'c\d$V`, "Ü": "no"}

func lookup(name string) (string, bool) {
	v, ok := vars[name]
	return v, ok
}

func TestExpand(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "$V": "val", "${V}": "val", "a${V}b$V.c": "avalbval.c", "$NO": "", "$Vx": "", "$V-x": "val-x",
		"${NO:-d}": "d", "${E:-d}": "d", "${E-d}": "", "${NO-d}": "d", "${V:-d}": "val",
		"${V:+x}": "x", "${E:+x}": "", "${E+x}": "x", "${NO+x}": "", "${V:?m}": "val", "${E?m}": "",
		"${NO:-${V}}": "val", "${NO:-a ${NO:-'}'} $V}": "a } val", `${NO:-"a}b"}`: "a}b",
		`\$V`: "$V", `\${V}`: "${V}", `a\ b`: "a b", `\\$V`: `\val`, `\`: "", `x\n`: "xn",
		"'$V'": "$V", `"$V"`: "val", `"\$V \" \\ \n"`: `$V " \ \n`, `'a\'`: `a\`, `"it's"`: "it's", `'a'"b"c`: "abc",
		"$": "$", "$ x": "$ x", "100%$": "100%$", "$1": "", "$12a": "a", "$$": "", "$@": "", "é$V日本": "éval日本", "${V}é": "valé",
		"$QUOTE": `a"b'c\d$V`, "": "",
	} {
		got, err := dockerfile.Expand(in, lookup)
		require.NoError(t, err, in)
		assert.Equal(t, want, got, in)
	}
}

func TestExpandRefuses(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("${a:-", 200) + strings.Repeat("}", 200)
	for in, want := range map[string]string{
		"'a": "single quote", `"a`: "double quote", "${": "not a variable", "${}": "not a variable", "${V": "not a variable", "${V:": "only :-",
		"${V:-a": "closing }", "${V%x}": "only :-", "${NO:?give it}": "NO: give it", "${NO:?}": "NO: is not set", deep: "nested too deep",
	} {
		_, err := dockerfile.Expand(in, lookup)
		assert.ErrorContains(t, err, want, in)
	}
	_, err := dockerfile.Expand(strings.Repeat("${a:-x}", 200), lookup)
	require.NoError(t, err, "one after the other is not nested")
	_, err = dockerfile.Expand("$A$A", func(string) (string, bool) { return strings.Repeat("x", 600<<10), true })
	assert.ErrorContains(t, err, "1 MiB")
}

// Where a word holds only what both know, the shell is the judge.
func FuzzExpand(f *testing.F) {
	sh, err := exec.LookPath("sh")
	if err != nil || runtime.GOOS == "windows" {
		f.Skip("no sh to compare with")
	}
	for _, seed := range []string{"${V:-a}", `"$V"'$V'`, `\$V`, "${NO:-${V:+x}}", `"a\"b"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, word string) {
		got, err := dockerfile.Expand(word, lookup)
		if err != nil || !comparable(word) {
			return
		}
		cmd := exec.Command(sh, "-c", "set -f; x="+word+`; printf %s "$x"`)
		cmd.Env = []string{"V=val", "E="}
		out, err := cmd.Output()
		if err == nil {
			require.Equal(t, string(out), got, "%q", word)
		}
	})
}

// comparable leaves out what the shell reads otherwise: commands, blanks,
// its own parameters, and quotes within braces.
func comparable(word string) bool {
	if word == "" || strings.Trim(word, "abcxyzVENO${}:+-'\"\\") != "" || strings.HasSuffix(word, "\\") {
		return false
	}
	for _, special := range []string{"$-", "$$", "${-", "${$", "$'", "$\""} {
		if strings.Contains(word, special) {
			return false
		}
	}
	return !strings.Contains(word, "{") || !strings.ContainsAny(word, `'"\`)
}

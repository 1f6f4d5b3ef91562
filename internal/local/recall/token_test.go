package recall_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sandflare/sandflare-go/internal/local/recall"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStemsMeet(t *testing.T) {
	t.Parallel()
	for _, family := range []string{
		"test tests tested testing", "run runs running", "prefer prefers preferred preferring preference preferences",
		"install installs installed installing installation installations", "configure configures configured configuring configuration",
		"database databases", "deploy deployed deploying deployment deployments", "box boxes", "class classes", "fix fixes fixed fixing",
		"try tries tried trying", "use uses used using", "debug debugged debugging", "quick quickly", "pass passes passed passing",
		"dark darkness", "memory memories", "search searches searched", "file files", "stop stopped stopping", "agree agreed agrees", "go going",
	} {
		words := strings.Fields(family)
		for _, w := range words[1:] {
			assert.Equal(t, recall.Stem(words[0]), recall.Stem(w), w)
		}
	}
}

func TestStemsStayApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, w := range strings.Fields("sing string bring ring bus bed red thing need station nation moment comment evidence science dance only fly analysis status access gas is go py3 c3po été user unit") {
		stem := recall.Stem(w)
		assert.NotContains(t, seen, stem, "%s and %s", w, seen[stem])
		seen[stem] = w
		assert.NotEmpty(t, stem)
	}
}

func TestTerms(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Hello, World-42!":       "hello world 42",
		"snake_case /usr/bin":    "snak cas usr bin",
		"Café CAFE\u0301 Ｆｕｌｌ１":  "caf caf full1",
		"Žluťoučký ÀÉÎÕÜ Łódź":   "zlutoucky aeiou lodz",
		"黒猫":                     "黒 猫 黒猫",
		"Go言語x":                  "go 言 語 言語 x",
		"スーパー":                   "ス ー パ ー スー ーパ パー",
		"Привет мир":             "привет мир",
		"नमस्ते":                 "नमस्ते",
		" \t\n.,;🚀 ":             "",
		"bad\xffutf8 nul\x00nul": "bad utf8 nul nul",
	} {
		assert.Equal(t, strings.Fields(want), append([]string{}, recall.DocumentTerms(text)...), text)
	}
}

func TestQueryTerms(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"What is the user's database?": "user databas", "the the": "the", "to be or not to be": "not", "who am I": "am",
		"run RUN running": "run", "黒猫": "黒猫", "猫": "猫", "": "", "?!": "", "is it": "is it",
	} {
		assert.Equal(t, strings.Fields(want), append([]string{}, recall.QueryTerms(query)...), query)
	}
}

func FuzzTerms(f *testing.F) {
	for _, seed := range []string{"running boxes", "黒猫 스토리 ไทย", "eing", "sses", "yyyyly", "\xff\u0301é", "ation"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		terms := recall.DocumentTerms(text)
		known := map[string]bool{}
		for _, term := range terms {
			require.NotEmpty(t, term)
			require.True(t, utf8.ValidString(term))
			known[term] = true
		}
		for _, term := range recall.QueryTerms(text) {
			require.True(t, known[term], "a text must be found by itself: %q", term)
		}
		if stem := recall.Stem(text); text != "" {
			require.NotEmpty(t, stem)
			require.LessOrEqual(t, len(stem), len(text))
		}
	})
}

package recall

import (
	"strings"
	"unicode"
)

// token is a run of letters and digits; joined means of a script that is
// written without spaces.
type token struct {
	text   []rune
	joined bool
}

// joinedScripts are looked up by characters and pairs of them. Korean has
// spaces, but glues particles to its words.
var joinedScripts = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

// tokenize splits text into lower-case tokens. Accents of Latin letters are
// dropped, full-width forms are made plain.
func tokenize(text string) []token {
	var tokens []token
	var current token
	flush := func() {
		if len(current.text) > 0 {
			tokens = append(tokens, current)
		}
		current = token{}
	}
	for _, r := range text {
		r = plain(r)
		switch {
		case r >= 0x300 && r <= 0x36f: // accents that follow their letter
			continue
		case !unicode.In(r, unicode.L, unicode.M, unicode.N):
			flush()
			continue
		}
		joined := r == 'ー' || unicode.In(r, joinedScripts...)
		if joined != current.joined {
			flush()
		}
		current.joined = joined
		current.text = append(current.text, r)
	}
	flush()
	return tokens
}

// accented and unaccented are parallel.
var (
	accented   = []rune("àáâãäåāăąçćčďèéêëēęěìíîïīıłñńňòóôõöøōőřśšşťùúûüūůűýÿźżž")
	unaccented = []rune("aaaaaaaaacccdeeeeeeeiiiiiilnnnoooooooorssstuuuuuuuyyzzz")
	foldings   = func() map[rune]rune {
		m := map[rune]rune{}
		for i, r := range accented {
			m[r] = unaccented[i]
		}
		return m
	}()
)

func plain(r rune) rune {
	if r >= '！' && r <= '～' { // full-width ASCII
		r -= '！' - '!'
	}
	r = unicode.ToLower(r)
	if to, ok := foldings[r]; ok {
		return to
	}
	return r
}

// documentTerms are the terms that text is found by.
func documentTerms(text string) []string {
	var terms []string
	for _, t := range tokenize(text) {
		if !t.joined {
			terms = append(terms, stem(string(t.text)))
			continue
		}
		for i := range t.text {
			terms = append(terms, string(t.text[i]))
		}
		terms = append(terms, bigrams(t.text)...)
	}
	return terms
}

// queryTerms are the different terms that are looked for. Words that stand in
// every sentence are left out unless there are no others.
func queryTerms(query string) []string {
	var terms, common []string
	seen := map[string]bool{}
	for _, t := range tokenize(query) {
		for _, term := range t.queryTerms() {
			switch {
			case seen[term]:
			case stopWords[string(t.text)]:
				common = append(common, term)
			default:
				terms = append(terms, term)
			}
			seen[term] = true
		}
	}
	if len(terms) == 0 {
		return common
	}
	return terms
}

func (t token) queryTerms() []string {
	switch {
	case !t.joined:
		return []string{stem(string(t.text))}
	case len(t.text) == 1:
		return []string{string(t.text)}
	}
	return bigrams(t.text)
}

func bigrams(text []rune) []string {
	var out []string
	for i := 1; i < len(text); i++ {
		out = append(out, string(text[i-1:i+1]))
	}
	return out
}

var stopWords = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`a about an and any are as at be been by can could did do does for from had has have he her his how i if in into
		is it its me my of on or our she should so some such than that the their them then there these they this those to was we were what when where
		which who whom whose why will with would you your s t`) {
		m[w] = true
	}
	return m
}()

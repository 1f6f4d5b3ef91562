package recall

import "strings"

// stem takes the commonest English endings off a lower-case word: plurals,
// -ed, -ing, -ly, -ment, -ness, -ence, -ance, -ation, and a final e. It knows
// no irregular forms ("ran", "mice"), no British/American pairs
// ("cancelled" and "canceled"), and leaves -er, -able and -ize alone. Stems
// need not be words ("configuration" and "configure" give "configur"). Words
// with other characters than a to z stay as they are.
func stem(word string) string {
	if len(word) < 4 || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" {
		return word
	}
	word = plural(word)
	word = participle(word)
	word = suffix(word)
	if len(word) > 3 && strings.HasSuffix(word, "e") {
		word = word[:len(word)-1]
	}
	return word
}

func plural(w string) string {
	switch {
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		return w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "xes"), strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"):
		return w[:len(w)-2]
	case strings.HasSuffix(w, "ss"), strings.HasSuffix(w, "us"), strings.HasSuffix(w, "is"):
		return w
	}
	return strings.TrimSuffix(w, "s")
}

func participle(w string) string {
	if s, ok := strings.CutSuffix(w, "ied"); ok && len(s) > 1 {
		return s + "y"
	}
	if s, ok := strings.CutSuffix(w, "eed"); ok {
		if measure(s) > 0 {
			return s + "ee"
		}
		return w
	}
	for _, ending := range []string{"ing", "ed"} {
		if s, ok := strings.CutSuffix(w, ending); ok && hasVowel(s) {
			return undouble(s)
		}
	}
	return w
}

// undouble makes "runn" "run", but leaves "install" and "pass". What is left
// of "using" gets its e back: words of three letters keep theirs.
func undouble(w string) string {
	n := len(w)
	if n == 2 && vowel(w, 0) && !vowel(w, 1) {
		return w + "e"
	}
	if n < 3 || w[n-1] != w[n-2] || strings.IndexByte("lsz", w[n-1]) >= 0 || vowel(w, n-1) {
		return w
	}
	return w[:n-1]
}

// suffix takes one longer ending off where enough of a word is left.
func suffix(w string) string {
	if s, ok := strings.CutSuffix(w, "ly"); ok && measure(s) > 0 && len(s) > 3 {
		return s
	}
	if s, ok := strings.CutSuffix(w, "ness"); ok && measure(s) > 0 {
		return s
	}
	for _, ending := range []string{"ation", "ment", "ence", "ance"} {
		if s, ok := strings.CutSuffix(w, ending); ok && measure(s) > 1 {
			return undouble(s)
		}
	}
	return w
}

// measure counts how often a vowel is followed by a consonant.
func measure(w string) int {
	n := 0
	for i := 1; i < len(w); i++ {
		if vowel(w, i-1) && !vowel(w, i) {
			n++
		}
	}
	return n
}

func hasVowel(w string) bool {
	for i := range len(w) {
		if vowel(w, i) {
			return true
		}
	}
	return false
}

// vowel treats y as one behind a consonant.
func vowel(w string, i int) bool {
	if w[i] == 'y' {
		return i > 0 && !vowel(w, i-1)
	}
	return strings.IndexByte("aeiou", w[i]) >= 0
}

// Package roman writes numbers as the Romans did.
package roman

var digits = []struct {
	value int
	text  string
}{
	{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"},
	{50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"},
}

// Format writes n, which is at least 1.
func Format(n int) string {
	text := ""
	for _, digit := range digits {
		for ; n >= digit.value; n -= digit.value {
			text += digit.text
		}
	}
	return text
}

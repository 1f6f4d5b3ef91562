package recall

// Stem and the terms of a text are tested by themselves.
var (
	Stem          = stem
	DocumentTerms = documentTerms
	QueryTerms    = queryTerms
)

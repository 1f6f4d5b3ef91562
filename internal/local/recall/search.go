package recall

import (
	"math"
	"slices"
)

// The usual constants of BM25: how soon repeating a word stops helping, and
// how much long texts are marked down.
const (
	saturation = 1.2
	lengthBias = 0.75
)

// Search returns the entries that share a word with the query, best first and
// newest first among equals; limit below 1 means all. A query without letters
// and digits finds nothing.
//
// The score is BM25 as a share of the most that the query could reach, so it
// also tells how much of the query was found. Feedback multiplies its odds, by
// less than 4 however much there is.
func (s *Store) Search(query string, limit int) []Hit {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := s.score(queryTerms(query))
	docs := make([]*document, 0, len(found))
	for d := range found {
		docs = append(docs, d)
	}
	slices.SortFunc(docs, func(a, b *document) int {
		if found[a] != found[b] {
			return compareDown(found[a], found[b])
		}
		return newest(a, b)
	})
	if limit > 0 && len(docs) > limit {
		docs = docs[:limit]
	}
	hits := make([]Hit, 0, len(docs))
	for _, d := range docs {
		hits = append(hits, Hit{d.clone(), found[d]})
	}
	return hits
}

func compareDown(a, b float64) int {
	if a > b {
		return -1
	}
	return 1
}

// score rates every document that holds one of the terms. The terms' order is
// the query's, so the sums come out the same each time.
func (s *Store) score(terms []string) map[*document]float64 {
	found := map[*document]float64{}
	most := 0.0
	mean := float64(s.length) / float64(max(1, len(s.docs)))
	for _, term := range terms {
		docs := s.index[term]
		weight := rarity(len(s.docs), len(docs))
		most += weight * (saturation + 1)
		for d, n := range docs {
			long := 1 - lengthBias + lengthBias*float64(d.length)/mean
			found[d] += weight * float64(n) * (saturation + 1) / (float64(n) + saturation*long)
		}
	}
	for d, sum := range found {
		found[d] = withFeedback(sum/most, d.Useful-d.NotUseful)
	}
	return found
}

// rarity is the inverse document frequency, in the form that stays above 0.
func rarity(all, with int) float64 {
	return math.Log(1 + (float64(all-with)+0.5)/(float64(with)+0.5))
}

// withFeedback moves a score between 0 and 1 by net votes. The first counts
// most: 1 multiplies the odds by 1.4, 10 by 2.9.
func withFeedback(score float64, net int) float64 {
	odds := score / (1 - score) * math.Pow(4, float64(net)/(3+math.Abs(float64(net))))
	if math.IsInf(odds, 1) {
		return 1
	}
	return max(odds/(1+odds), math.SmallestNonzeroFloat64)
}

package recall_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sandflare/sandflare-go/internal/local/recall"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// store holds the texts as m0, m1, …, a second apart.
func store(t *testing.T, texts ...string) *recall.Store {
	t.Helper()
	s := recall.New()
	for i, text := range texts {
		got, err := s.Add(recall.Entry{ID: "m" + strconv.Itoa(i), Text: text, CreatedAt: start.Add(time.Duration(i) * time.Second)})
		require.NoError(t, err)
		require.Equal(t, recall.Result{ID: "m" + strconv.Itoa(i), Event: recall.EventAdd}, got)
	}
	return s
}

func ids(hits []recall.Hit) string {
	var out []string
	for _, h := range hits {
		out = append(out, h.ID)
	}
	return strings.Join(out, " ")
}

func TestSearchRanks(t *testing.T) {
	t.Parallel()
	s := store(t,
		"The user prefers dark mode in every editor",
		"Run the tests with make test before each commit",
		"The database is PostgreSQL 16 on port 5433",
		"User dislikes tabs; use spaces in Python",
		"ユーザーは猫が好きです",
		"用户喜欢黑暗模式",
	)
	for query, want := range map[string]string{
		"what are the user's preferences": "m0 m3",
		"which database do we have":       "m2",
		"running a test":                  "m1",
		"POSTGRESQL":                      "m2",
		"port 5433 database":              "m2",
		"猫":                               "m4",
		"黑暗模式":                            "m5",
		"kubernetes":                      "",
		"":                                "",
		" ?! ":                            "",
	} {
		assert.Equal(t, want, ids(s.Search(query, 0)), query)
	}
}

func TestRareWordsAndShortTextsWin(t *testing.T) {
	t.Parallel()
	s := store(t,
		"deploy deploy deploy deploy staging",
		"deploy production",
		"deploy with many other words around it so that the text becomes rather long compared to the others here",
		"deploy staging",
	)
	assert.Equal(t, "m1", ids(s.Search("deploy production", 1)))
	assert.Equal(t, "m0 m3 m1 m2", ids(s.Search("deploy", 0)))
}

func TestScores(t *testing.T) {
	t.Parallel()
	s := store(t, "alpha beta gamma", "alpha", "alpha alpha alpha alpha alpha alpha alpha alpha", "beta")
	for _, query := range []string{"alpha", "alpha beta gamma", "alpha unknown", "beta"} {
		last := 1.0
		for _, hit := range s.Search(query, 0) {
			assert.Greater(t, hit.Score, 0.0)
			assert.LessOrEqual(t, hit.Score, last, "best first")
			last = hit.Score
		}
	}
	assert.Greater(t, s.Search("alpha", 1)[0].Score, s.Search("alpha unknown", 1)[0].Score, "half a query found is worth less")
}

func TestTiesAreNewestFirst(t *testing.T) {
	t.Parallel()
	s := store(t, "same word a1", "same word a2", "same word a3")
	require.NoError(t, addAt(s, "late", "same word a4", start.Add(2*time.Second))) // the moment of m2, added later
	require.NoError(t, addAt(s, "old", "same word a5", start.Add(-time.Second)))
	for range 20 { // maps have no order
		require.Equal(t, "late m2 m1 m0 old", ids(s.Search("same word", 0)))
	}
	assert.Equal(t, "late m2", ids(s.Search("same word", 2)))
}

func addAt(s *recall.Store, id, text string, at time.Time) error {
	_, err := s.Add(recall.Entry{ID: id, Text: text, CreatedAt: at})
	return err
}

func TestFeedback(t *testing.T) {
	t.Parallel()
	s := store(t, "tabs or spaces one", "tabs or spaces two", "something else")
	score := func(id string) float64 {
		for _, h := range s.Search("tabs", 0) {
			if h.ID == id {
				return h.Score
			}
		}
		t.Fatal(id, "not found")
		return 0
	}
	neutral := score("m0")
	require.NoError(t, s.Feedback("m0", true))
	up := score("m0")
	assert.Greater(t, up, neutral)
	assert.Equal(t, "m0 m1", ids(s.Search("tabs", 0)), "above the newer equal")
	require.NoError(t, s.Feedback("m0", false))
	assert.InDelta(t, neutral, score("m0"), 1e-12, "one vote each way")
	for range 100_000 {
		require.NoError(t, s.Feedback("m0", true))
		require.NoError(t, s.Feedback("m1", false))
	}
	odds := func(p float64) float64 { return p / (1 - p) }
	assert.Greater(t, score("m0"), up)
	assert.LessOrEqual(t, odds(score("m0"))/odds(neutral), 4.0, "bounded above")
	assert.GreaterOrEqual(t, odds(score("m1"))/odds(neutral), 0.25-1e-9, "bounded below: never unfindable")
	assert.ErrorIs(t, s.Feedback("no", true), recall.ErrNotFound)
}

func TestCategoriesAndMetadataAreFound(t *testing.T) {
	t.Parallel()
	s := recall.New()
	_, err := s.Add(recall.Entry{ID: "a", Text: "x", Categories: []string{"bug_fix"}, Metadata: map[string]any{
		"secretkey": "Payments", "n": 8080.0, "list": []any{"deep", map[string]any{"k": "deeper"}}, "nothing": nil,
	}})
	require.NoError(t, err)
	for _, query := range []string{"bug", "fixes", "payment", "8080", "deep", "deeper"} {
		assert.Equal(t, "a", ids(s.Search(query, 0)), query)
	}
	assert.Empty(t, s.Search("secretkey", 0), "names of metadata are not searched")
	assert.Empty(t, s.Search("nil", 0))
}

func TestAddTwice(t *testing.T) {
	t.Parallel()
	s := store(t, "likes tea")
	add := func(text string, category string, meta map[string]any) recall.Result {
		got, err := s.Add(recall.Entry{ID: "new", Text: text, Categories: []string{category}, Metadata: meta, CreatedAt: start.Add(time.Hour)})
		require.NoError(t, err)
		return got
	}
	assert.Equal(t, recall.Result{ID: "m0", Event: recall.EventUpdate}, add("likes tea", "preference", map[string]any{"n": 1, "of": "drinks"}))
	assert.Equal(t, recall.Result{ID: "m0", Event: recall.EventNone}, add("likes tea", "preference", map[string]any{"n": 1.0}))
	assert.Equal(t, recall.Result{ID: "m0", Event: recall.EventUpdate}, add("likes tea", "preference", map[string]any{"n": 2}))
	assert.Equal(t, recall.Result{ID: "new", Event: recall.EventAdd}, add("Likes tea", "preference", nil))
	got, ok := s.Get("m0")
	require.True(t, ok)
	assert.Equal(t, recall.Entry{ID: "m0", Text: "likes tea", Categories: []string{"preference"}, Metadata: map[string]any{"n": 2, "of": "drinks"}, CreatedAt: start}, got)
	assert.Equal(t, "m0", ids(s.Search("drinks", 0)), "found by what was merged in")
	assert.Len(t, s.List(), 2)
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	s := store(t, "a")
	for want, e := range map[string]recall.Entry{"needs a text": {ID: "x", Text: " \n"}, "needs an id": {Text: "x"}, "m0 exists": {ID: "m0", Text: "other"}} {
		_, err := s.Add(e)
		assert.ErrorContains(t, err, want)
	}
	assert.Len(t, s.List(), 1)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	s := store(t, "green tea", "black tea", "coffee")
	before := s.Search("coffee", 0)[0].Score
	require.NoError(t, s.Delete("m0"))
	assert.ErrorIs(t, s.Delete("m0"), recall.ErrNotFound)
	_, ok := s.Get("m0")
	assert.False(t, ok)
	assert.Equal(t, "m1", ids(s.Search("tea", 0)))
	assert.NotEqual(t, before, s.Search("coffee", 0)[0].Score, "the deleted text no longer counts")
	_, err := s.Add(recall.Entry{ID: "m0", Text: "green tea"})
	require.NoError(t, err, "id and text are free again")
	s.DeleteAll()
	assert.Empty(t, s.List())
	assert.Empty(t, s.Search("tea", 0))
	require.NoError(t, addAt(s, "m1", "tea", start))
	assert.Equal(t, "m1", ids(s.Search("tea", 0)))
}

// A store that was written as JSON and read again answers the same.
func TestPersist(t *testing.T) {
	t.Parallel()
	s := store(t, "one tea", "two tea", "three tea", "four")
	require.NoError(t, addAt(s, "tie", "five tea", start.Add(2*time.Second)))
	require.NoError(t, s.Feedback("m1", false))
	_, err := s.Add(recall.Entry{ID: "x", Text: "four", Metadata: map[string]any{"port": 80}})
	require.NoError(t, err)
	text, err := json.Marshal(s.List())
	require.NoError(t, err)
	var entries []recall.Entry
	require.NoError(t, json.Unmarshal(text, &entries))
	again := recall.New(append(entries, entries[0], recall.Entry{ID: "blank"})...)
	second, err := json.Marshal(again.List())
	require.NoError(t, err)
	assert.JSONEq(t, string(text), string(second))
	for _, query := range []string{"tea", "80", "one four"} {
		want, got := s.Search(query, 0), again.Search(query, 0)
		require.Equal(t, ids(want), ids(got))
		for i := range want {
			assert.Equal(t, want[i].Score, got[i].Score)
		}
	}
}

func TestEntriesAreCopies(t *testing.T) {
	t.Parallel()
	s, e := recall.New(), recall.Entry{ID: "a", Text: "x", Categories: []string{"c"}, Metadata: map[string]any{"k": "v"}}
	_, err := s.Add(e)
	require.NoError(t, err)
	e.Categories[0], e.Metadata["k"] = "changed", "changed"
	s.List()[0].Metadata["k"] = "changed"
	s.Search("x", 0)[0].Categories[0] = "changed"
	got, _ := s.Get("a")
	assert.Equal(t, recall.Entry{ID: "a", Text: "x", Categories: []string{"c"}, Metadata: map[string]any{"k": "v"}}, got)
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := recall.New()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				id := fmt.Sprintf("%d-%d", i, j)
				assert.NoError(t, addAt(s, id, "shared word "+id, start))
				s.Search("shared", 3)
				assert.NoError(t, s.Feedback(id, j%2 == 0))
				if j%2 == 1 {
					assert.NoError(t, s.Delete(id))
				}
			}
		})
	}
	wg.Wait()
	assert.Len(t, s.List(), 200)
	assert.Len(t, s.Search("word", 0), 200)
}

// Whatever is stored is found by its own text, with a score in (0, 1].
func FuzzSearch(f *testing.F) {
	f.Add("a b", "b c", "b", 3)
	f.Add("猫", "猫が", "が猫", -5)
	f.Fuzz(func(t *testing.T, one, two, query string, votes int) {
		s := recall.New()
		addAt(s, "1", one, start)
		addAt(s, "2", two, start)
		for range min(max(votes, -votes)%50, 50) {
			_ = s.Feedback("1", votes > 0)
		}
		for _, q := range []string{query, one, two} {
			for _, hit := range s.Search(q, 0) {
				require.True(t, hit.Score > 0 && hit.Score <= 1, "%v", hit.Score)
			}
		}
		if len(recall.QueryTerms(one)) > 0 {
			require.Contains(t, ids(s.Search(one, 0)), "1")
		}
	})
}

package sandflare_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// block is a fenced block of a page.
type block struct {
	page     string
	line     int // of its first line
	language string
	text     string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// pages are README.md and the rest of what is written for people.
func pages(t *testing.T) []string {
	t.Helper()
	docs, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	return append([]string{"README.md", "CONTRIBUTING.md", "SECURITY.md"}, docs...)
}

// blocks are the fenced blocks of all pages in some of the languages.
func blocks(t *testing.T, languages ...string) (found []block) {
	t.Helper()
	for _, page := range pages(t) {
		var open *block
		for i, line := range strings.Split(readText(t, page), "\n") {
			language, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
			switch {
			case fence && open == nil:
				open = &block{page: page, line: i + 2, language: language}
			case fence:
				for _, wanted := range languages {
					if open.language == wanted {
						found = append(found, *open)
					}
				}
				open = nil
			case open != nil:
				open.text += line + "\n"
			}
		}
		require.Nil(t, open, "%s has a block without end", page)
	}
	return found
}

var (
	linkTo  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	fenced  = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```")
)

// TestLinksResolve follows every link that does not leave the repository.
func TestLinksResolve(t *testing.T) {
	t.Parallel()
	links := 0
	for _, page := range pages(t) {
		for _, link := range linkTo.FindAllStringSubmatch(fenced.ReplaceAllString(readText(t, page), ""), -1) {
			if strings.Contains(link[1], "://") {
				continue
			}
			links++
			file, anchor, _ := strings.Cut(link[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); !assert.NoError(t, err, "%s links to %s", page, link[1]) || anchor == "" {
				continue
			}
			assert.Contains(t, anchors(readText(t, target)), anchor, "%s links to %s", page, link[1])
		}
	}
	assert.Greater(t, links, 10)
}

// anchors are those that GitHub makes of headings.
func anchors(markdown string) (list []string) {
	drop := regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(markdown, ""), -1) {
		list = append(list, strings.ReplaceAll(strings.ToLower(drop.ReplaceAllString(h[1], "")), " ", "-"))
	}
	return list
}

// TestBlocksNameTheirLanguage: a block without one would escape the tests that read blocks.
func TestBlocksNameTheirLanguage(t *testing.T) {
	t.Parallel()
	for _, b := range blocks(t, "") {
		t.Errorf("%s: a block without language; use sh for commands and text for the rest", b)
	}
}

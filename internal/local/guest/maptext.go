//go:build linux || darwin

package guest

// MapText returns code that a command reads, for a sandbox of a tier in dir:
// where the process tier has no file tree of its own, the sandbox's folders are
// mapped as they are in commands.
func MapText(tier Tier, dir, text string) string {
	if tier != ProcessTier {
		return text
	}
	return mapWords(text, dir+"/up/root")
}

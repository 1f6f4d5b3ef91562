package wire

import (
	"cmp"
	"net/url"
	"strings"
)

// StatusAbsent is how a 200 answer may say that a sandbox does not exist.
const StatusAbsent = "absent"

// memorySizes are the sizes by their memory, for answers that name none.
var memorySizes = map[int]string{512: "nano", 1024: "small", 2048: "medium", 4096: "large", 8192: "xl"}

// Normalize fills Name, Size, TemplateID and SubdomainURL from the fields
// that stand for them in some answers.
func (s *Sandbox) Normalize() {
	s.Name = cmp.Or(s.Name, s.SandboxID, s.ID)
	s.Size = cmp.Or(s.Size, s.Tier, memorySizes[s.MemoryMB])
	s.TemplateID = cmp.Or(s.TemplateID, s.Template)
	if s.SubdomainURL == "" {
		s.SubdomainURL = portURL(s.PreviewURL, "")
	}
}

// PortURL is the preview URL of another port, "" where there is no preview URL.
func PortURL(previewURL, port string) string {
	return portURL(previewURL, port+"-")
}

// portURL replaces the "{port}-" before a preview URL's host name by prefix.
func portURL(previewURL, prefix string) string {
	u, err := url.Parse(previewURL)
	if err != nil || u.Host == "" {
		return ""
	}
	if port, rest, ok := strings.Cut(u.Host, "-"); ok && port != "" && strings.Trim(port, "0123456789") == "" {
		u.Host = rest
	}
	u.Host = prefix + u.Host
	u.Path = cmp.Or(u.Path, "/")
	return u.String()
}

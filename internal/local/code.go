package local

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/sandflare/sandflare-go/internal/local/guest"
)

const notInstalled = 127

// runCode runs a program that an interpreter reads from its input: no limit of
// arguments applies to it.
func (sb *sandbox) runCode(ctx context.Context, cmd guest.Command, code string) (result, error) {
	stdin, err := inputFile(sb.text(code))
	if err != nil {
		return result{}, err
	}
	defer stdin.Close()
	cmd.Stdin = stdin
	res, err := sb.run(ctx, cmd)
	if err == nil && res.exit.Code == notInstalled && !sb.has(ctx, cmd.Args[0]) {
		err = notInstalledHere(cmd.Args[0])
	}
	return res, err
}

// text is code as the sandbox's tier wants it.
func (sb *sandbox) text(code string) string { return guest.MapText(sb.tier, sb.dir, code) }

// scripts are the files in which the SDK puts commands that are long, have an
// environment, or belong to a Cmd.
var scripts = []string{"/tmp/.sandflare-*.sh", "/tmp/.sandflare-*/run"}

// script is the content of a file, with a command's text as the tier wants it.
func (sb *sandbox) script(name string, content io.Reader) (io.Reader, error) {
	isScript := func(pattern string) bool { ok, _ := path.Match(pattern, name); return ok }
	if sb.tier != guest.ProcessTier || !slices.ContainsFunc(scripts, isScript) {
		return content, nil
	}
	text, err := io.ReadAll(content)
	if err != nil {
		return nil, bodyError(err)
	}
	return strings.NewReader(sb.text(string(text))), nil
}

// inputFile holds text as a file without a name.
func inputFile(text string) (*os.File, error) {
	file, err := os.CreateTemp("", "sandflare-input-")
	if err != nil {
		return nil, err
	}
	if err = os.Remove(file.Name()); err == nil {
		_, err = io.WriteString(file, text)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// has reports whether a program is found in the sandbox.
func (sb *sandbox) has(ctx context.Context, program string) bool {
	res, err := sb.quietly(ctx, guest.Command{Args: []string{"sh", "-c", `command -v -- "$1"`, "sh", program}})
	return err == nil && res.exit.Code == 0
}

// notInstalledHere is a program that nothing here can run: not the code's fault, so not its result.
func notInstalledHere(program string) error {
	return &apiError{status: http.StatusNotImplemented, text: fmt.Sprintf(
		"%s is not installed in this sandbox: install it on the machine that runs the local Sandflare, in /usr or /opt, or in a template", program)}
}

// lastLines is the end of a text, for errors.
func lastLines(text string, n int) string {
	lines := splitLines(strings.TrimSpace(text))
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

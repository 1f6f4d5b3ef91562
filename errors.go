package sandflare

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sandflare/sandflare-go/internal/transport"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// What an error means. Find them with [errors.Is]; the error's text says more.
var (
	// ErrMissingAPIKey: no key was given and none is in the environment.
	ErrMissingAPIKey = errors.New("sandflare: no API key: set SANDFLARE_API_KEY or use WithAPIKey; to work without an account, " +
		"start a local Sandflare: go run github.com/sandflare/sandflare-go/cmd/sandflare-local run -- COMMAND")
	// ErrUnauthorized: 401 or 403, the key is not accepted.
	ErrUnauthorized = errors.New("sandflare: unauthorized")
	// ErrNotFound: 404, or a sandbox whose status is "absent".
	ErrNotFound = errors.New("sandflare: not found")
	// ErrConflict: 409, for example a command in a paused sandbox.
	ErrConflict = errors.New("sandflare: conflict")
	// ErrPlanLimit: 429 with an upgrade_url. Waiting does not help.
	ErrPlanLimit = errors.New("sandflare: plan limit reached")
	// ErrRateLimited: any other 429.
	ErrRateLimited = errors.New("sandflare: rate limited")
	// ErrInvalidArgument: refused before anything was sent.
	ErrInvalidArgument = errors.New("sandflare: invalid argument")
	// ErrOutcomeUnknown: a call with an effect was sent and its answer was
	// lost. It may have run; it was not sent twice.
	ErrOutcomeUnknown = errors.New("sandflare: outcome unknown")
	// ErrStreamInterrupted: a stream ended before its done event. A plain end
	// also Is [io.ErrUnexpectedEOF].
	ErrStreamInterrupted = errors.New("sandflare: stream interrupted")
	// ErrStreamConsumed: the result of an ExecStream was ranged over twice.
	ErrStreamConsumed = errors.New("sandflare: stream already consumed")
)

// APIError is an answer that is not a success. It Is the sentinel that belongs
// to its status, such as [ErrNotFound].
type APIError struct {
	StatusCode int
	Message    string // what the service said, else the first line of the body
	UpgradeURL string // where a plan limit can be lifted
	Method     string
	Path       string        // escaped, without query
	RequestID  string        // X-Request-Id, else Cf-Ray
	RetryAfter time.Duration // 0 when the answer has none
	Body       []byte        // first 64 KiB
}

// Error gives status, message and call.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s", e.Method, e.Path, strings.TrimSpace(itoa(e.StatusCode)+" "+http.StatusText(e.StatusCode)))
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.UpgradeURL != "" {
		fmt.Fprintf(&b, " (upgrade at %s)", e.UpgradeURL)
	}
	if e.RetryAfter > 0 {
		fmt.Fprintf(&b, " (retry after %v)", e.RetryAfter)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " [request %s]", e.RequestID)
	}
	return b.String()
}

// Is reports whether target is the sentinel of this status.
func (e *APIError) Is(target error) bool {
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return target == ErrUnauthorized
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusConflict:
		return target == ErrConflict
	case http.StatusTooManyRequests:
		return target == ErrPlanLimit && e.UpgradeURL != "" || target == ErrRateLimited && e.UpgradeURL == ""
	}
	return false
}

// ExitError is a command's non-zero exit code as an error, see [ExecResult.Err].
type ExitError struct{ Result *ExecResult }

// Error gives the exit code and the last line of stderr.
func (e *ExitError) Error() string {
	if e.Result == nil {
		return "sandflare: command failed"
	}
	text := fmt.Sprintf("sandflare: command exited with code %d", e.Result.ExitCode)
	if line := lastLine(e.Result.Stderr); line != "" {
		text += ": " + line
	}
	return text
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// callError is what a failed call returns: the operation, what is known of its
// outcome, and the cause.
type callError struct {
	op       string // "exec in sb-1"
	kind     error  // ErrOutcomeUnknown, ErrStreamInterrupted, or nil
	hint     string // what to do about it
	attempts int
	err      error
}

func (e *callError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sandflare: %s: ", e.op)
	if e.kind != nil {
		fmt.Fprintf(&b, "%s: ", strings.TrimPrefix(e.kind.Error(), "sandflare: "))
	}
	b.WriteString(strings.TrimPrefix(e.err.Error(), "sandflare: "))
	if e.attempts > 1 {
		fmt.Fprintf(&b, " (after %d attempts)", e.attempts)
	}
	if e.hint != "" {
		fmt.Fprintf(&b, "; %s", e.hint)
	}
	return b.String()
}

func (e *callError) Unwrap() []error {
	if e.kind == nil {
		return []error{e.err}
	}
	return []error{e.kind, e.err}
}

// invalid is an ErrInvalidArgument that says what was wrong and what to do.
func invalid(op, format string, args ...any) error {
	return &callError{op: op, kind: ErrInvalidArgument, err: fmt.Errorf(format, args...)}
}

// failed turns what the transport reports into the error of a call.
func failed(op string, req transport.Request, err error) error {
	out := &callError{op: op, err: err}
	var sent *transport.Error
	if errors.As(err, &sent) {
		out.attempts, out.err, out.hint = sent.Attempts, sent.Err, sent.Hint
		if sent.OutcomeUnknown {
			out.kind, out.hint = ErrOutcomeUnknown, "it may have run, and was not sent again"
		}
	}
	var status *transport.StatusError
	if errors.As(out.err, &status) {
		api := apiError(req, status.Status, status.Header, status.Body, status.RetryAfter)
		if to := status.Redirect(); to != "" {
			api.Message = "it redirects to " + to + ", which is not followed; is the base URL right?"
		}
		out.err = api
	}
	return out
}

func apiError(req transport.Request, status int, header http.Header, body []byte, retryAfter time.Duration) *APIError {
	e := &APIError{
		StatusCode: status,
		Method:     req.Route.Method,
		Path:       req.Route.Fill(req.Segments...),
		RequestID:  header.Get("X-Request-Id"),
		RetryAfter: retryAfter,
		Body:       body,
	}
	if e.RequestID == "" {
		e.RequestID = header.Get("Cf-Ray")
	}
	e.Message, e.UpgradeURL = wire.ErrorText(body)
	if e.Message == "" {
		e.Message = firstLine(header, body)
	}
	return e
}

// firstLine describes a body that is not the API's JSON, such as an edge's HTML page.
func firstLine(header http.Header, body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(body), "\uFFFD")), "\n")
	if len(line) > 200 {
		line = strings.ToValidUTF8(line[:200], "") + "…"
	}
	if kind := header.Get("Content-Type"); kind != "" && line != "" {
		return fmt.Sprintf("%s: %s", kind, strings.TrimSpace(line))
	}
	return strings.TrimSpace(line)
}

// unreadable is a success whose body is not what was expected. An effect has then happened unseen.
func unreadable(op string, req transport.Request, resp *transport.Response, err error) error {
	out := &callError{op: op, attempts: resp.Attempts}
	if req.Route.Class == wire.Effect {
		out.kind, out.hint = ErrOutcomeUnknown, "it has probably run, and was not sent again"
	}
	if len(resp.Body) > 0 && !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains("{[", string(resp.Body[:1])) {
		out.err = fmt.Errorf("the answer (status %d) is not the API's: %s", resp.Status, firstLine(resp.Header, resp.Body))
	} else {
		out.err = fmt.Errorf("the answer (status %d) cannot be used: %w", resp.Status, err)
	}
	return out
}

package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"syscall"

	"github.com/sandflare/sandflare-go/internal/local/guest"
	"github.com/sandflare/sandflare-go/internal/wire"
)

// apiError is an error whose status the caller is told.
type apiError struct {
	status     int
	text       string
	upgradeURL string
}

func (e *apiError) Error() string { return e.text }

func badRequest(format string, args ...any) error {
	return &apiError{status: http.StatusBadRequest, text: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &apiError{status: http.StatusNotFound, text: fmt.Sprintf(format, args...)}
}

func conflict(format string, args ...any) error {
	return &apiError{status: http.StatusConflict, text: fmt.Sprintf(format, args...)}
}

// answerFor translates an error into the status and body that report it.
func answerFor(err error) (int, wire.Error) {
	var api *apiError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &api):
		return api.status, wire.Error{Error: api.text, UpgradeURL: api.upgradeURL}
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, wire.Error{Error: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit)}
	case errors.Is(err, guest.ErrEnded):
		return http.StatusConflict, wire.Error{Error: "the sandbox ended while the call was under way"}
	case errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, wire.Error{Error: "the local Sandflare is stopping"}
	}
	return fileStatus(err), wire.Error{Error: err.Error()}
}

// fileStatus is the status of an error of the sandbox's file system. A file
// that permissions forbid is a 400: a 403 would read as a bad key.
func fileStatus(err error) int {
	var path *fs.PathError
	switch {
	case !errors.As(err, &path):
		return http.StatusInternalServerError
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EIO):
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// Package kernel is the protocol of the stateful Python kernel: the driver that
// runs inside a sandbox and the frames it is spoken to with.
//
// Start one process per context, with pipes as stdin and stdout:
//
//	python3 -c <Driver>
//
// Then for each piece of code [Encode] it to the process's stdin and [Decode]
// one answer from its stdout; one at a time, in this order. Variables, imports
// and functions persist from request to request. The driver keeps the two pipes
// to itself: code that prints, writes to descriptors 1 and 2, or starts
// processes ends up in the answer's stdout and stderr, input() meets the end of
// file. Closing stdin ends the process.
//
// A timeout: send SIGINT to the process, every 100 ms or so, until the answer
// comes, whose Error then ends in KeyboardInterrupt; the state is kept. (Once
// is not enough: a signal that comes just before a blocking call does not end
// it. More are harmless: one of them counts, and between requests none does.)
// Code that withstands it leaves SIGKILL. Decode then, as after os._exit or a
// crash, returns io.EOF or io.ErrUnexpectedEOF: the state is lost, and the next
// request needs a new process. The process's own stderr is used only if the
// driver cannot start.
//
// An exception is not an error of Decode: it is in the answer's Error as a
// traceback. sys.exit is an exception too. Text is the repr of the last
// expression, HTML its _repr_html_; PNG is the current matplotlib figure in
// base64, and all figures are closed after each request.
package kernel

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sandflare/sandflare-go/internal/wire"
)

// Driver is the Python program to run; it needs Python 3.8 and nothing else.
//
//go:embed driver.py
var Driver string

// MaxFrame bounds a frame: three texts of 64 MiB with every byte escaped.
const MaxFrame = 1 << 30

type request struct {
	Code string `json:"code"`
}

// Encode writes a request to run code.
func Encode(w io.Writer, code string) error {
	body, err := json.Marshal(request{code})
	if err != nil {
		return err
	}
	if len(body) > MaxFrame {
		return fmt.Errorf("code of %d bytes is too long for the kernel", len(code))
	}
	_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...))
	return err
}

// Decode reads one answer. Its OK is set: whether Error is empty. The error is
// io.EOF when the kernel ended before it, io.ErrUnexpectedEOF within it.
func Decode(r io.Reader) (wire.KernelResult, error) {
	var result wire.KernelResult
	body, err := readFrame(r)
	if err != nil {
		return result, err
	}
	if err := json.Unmarshal(body, &result); err != nil {
		return result, fmt.Errorf("the kernel's answer: %w", err)
	}
	ok := result.Error == ""
	result.OK = &ok
	return result, nil
}

// readFrame takes memory as bytes arrive, not as the length promises.
func readFrame(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > MaxFrame {
		return nil, fmt.Errorf("the kernel's answer of %d bytes is too long", size)
	}
	var body bytes.Buffer
	_, err := io.CopyN(&body, r, int64(size))
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return body.Bytes(), err
}

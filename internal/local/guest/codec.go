package guest

import (
	"encoding/binary"
	"errors"
)

// Messages are flat: numbers as varints, bytes with their length before them.
// File names and arguments are any bytes, which rules JSON out.

const maxFrame = 256 << 20 // a folder with a million entries; beyond it the peer is broken

var errMalformed = errors.New("guest: malformed message")

// encoder appends fields; the first four bytes are kept for the frame's length.
type encoder struct{ b []byte }

func newEncoder() *encoder { return &encoder{b: make([]byte, 4, 256)} }

func (e *encoder) uint(v uint64) *encoder { e.b = binary.AppendUvarint(e.b, v); return e }
func (e *encoder) int(v int64) *encoder   { e.b = binary.AppendVarint(e.b, v); return e }

func (e *encoder) bool(v bool) *encoder {
	if v {
		return e.uint(1)
	}
	return e.uint(0)
}

func (e *encoder) string(s string) *encoder {
	e.uint(uint64(len(s)))
	e.b = append(e.b, s...)
	return e
}

func (e *encoder) strings(list []string) *encoder {
	e.uint(uint64(len(list)))
	for _, s := range list {
		e.string(s)
	}
	return e
}

// frame returns the message with its length in front.
func (e *encoder) frame() []byte {
	binary.LittleEndian.PutUint32(e.b, uint32(len(e.b)-4))
	return e.b
}

// decoder takes fields in the order they were written. After the first error
// everything is zero; check err once at the end.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) bool() bool { return d.uint() != 0 }

func (d *decoder) string() string {
	n := d.uint()
	if n > uint64(len(d.b)) {
		d.fail()
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) strings() []string {
	n := d.uint()
	if n > uint64(len(d.b)) { // each takes a byte at least: no allocation beyond the input
		d.fail()
		return nil
	}
	list := make([]string, 0, n)
	for range n {
		list = append(list, d.string())
	}
	return list
}

func (d *decoder) fail() { d.b, d.err = nil, errMalformed }

// done is the error of the whole message; bytes left over are one.
func (d *decoder) done() error {
	if d.err == nil && len(d.b) > 0 {
		d.fail()
	}
	return d.err
}

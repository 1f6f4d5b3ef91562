package sse

import (
	"bytes"
	"crypto/subtle"
)

// masking turns LF and CR into bytes that no UTF-8 text has, and back.
const masking = 0xF0

var maskBytes = bytes.Repeat([]byte{masking}, 4<<10)

// maskable is false for bytes that would become line ends.
func maskable(p []byte) bool {
	return bytes.IndexByte(p, '\n'^masking) < 0 && bytes.IndexByte(p, '\r'^masking) < 0
}

// mask turns over the bits of masking in every byte, many bytes at a time.
func mask(p []byte) {
	for len(p) > 0 {
		p = p[subtle.XORBytes(p, p, maskBytes):]
	}
}

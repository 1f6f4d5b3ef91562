package dockerfile

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"io"
)

var (
	magicGzip  = []byte{0x1f, 0x8b}
	magicBzip2 = []byte("BZh")
	magicXz    = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
)

// isArchive reports whether ADD unpacks a file: a tar archive, plain or packed
// by gzip or bzip2, or what xz packed (which is not looked into). As with
// Docker the content decides, not the name.
func (t *tree) isArchive(name string) bool {
	f, err := t.context.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	r := bufio.NewReader(f)
	head, _ := r.Peek(len(magicXz))
	switch {
	case bytes.HasPrefix(head, magicXz):
		return true
	case bytes.HasPrefix(head, magicGzip):
		z, err := gzip.NewReader(r)
		return err == nil && isTar(z)
	case bytes.HasPrefix(head, magicBzip2):
		return isTar(bzip2.NewReader(r))
	}
	return isTar(r)
}

// isTar reads one header. An archive without entries is left as a file.
func isTar(r io.Reader) bool {
	_, err := tar.NewReader(r).Next()
	return err == nil
}

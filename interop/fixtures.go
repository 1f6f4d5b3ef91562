package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// file is one entry of an archive; a folder's name ends in a slash.
type file struct{ name, text string }

// writeFixtures makes the packages that scenarios install, so that no registry
// is needed, and the folder that templates are built from.
func writeFixtures(dir string) error {
	wheel, err := zipped(
		file{"judge/__init__.py", "answer = 42\n"},
		file{"judge-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: judge\nVersion: 1.0\n"},
		file{"judge-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: interop\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		file{"judge-1.0.dist-info/RECORD", "judge/__init__.py,,\njudge-1.0.dist-info/METADATA,,\njudge-1.0.dist-info/WHEEL,,\njudge-1.0.dist-info/RECORD,,\n"},
	)
	if err != nil {
		return err
	}
	npm, err := tarred(
		file{"package/package.json", `{"name": "judge", "version": "1.0.0", "main": "index.js"}`},
		file{"package/index.js", "exports.answer = 42;\n"},
	)
	if err != nil {
		return err
	}
	deb, err := debianPackage()
	if err != nil {
		return err
	}
	return writeFiles(dir,
		file{"judge-1.0-py3-none-any.whl", string(wheel)},
		file{"judge-1.0.0.tgz", string(npm)},
		file{"judge_1.0_all.deb", string(deb)},
		file{"context/Dockerfile", "FROM ubuntu:22.04\nENV MOOD=good\nCOPY app /home/user/app\nRUN cat /home/user/app/main.txt > /home/user/built\n"},
		file{"context/.dockerignore", "# left out\n*.log\nsecret\n"},
		file{"context/app/main.txt", "from the context\n"},
		file{"context/app/noise.log", "noise\n"},
		file{"context/secret/key", "not sent\n"},
		file{"upload.txt", "from a local file\n"},
	)
}

func writeFiles(dir string, files ...file) error {
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(f.text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func zipped(files ...file) ([]byte, error) {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, f := range files {
		w, err := archive.Create(f.name)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			return nil, err
		}
	}
	err := archive.Close()
	return out.Bytes(), err
}

func tarred(files ...file) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for _, f := range files {
		head := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.text)), ModTime: time.Unix(1e9, 0)}
		if strings.HasSuffix(f.name, "/") {
			head.Mode, head.Typeflag = 0o755, tar.TypeDir
		}
		if err := archive.WriteHeader(head); err != nil {
			return nil, err
		}
		if _, err := archive.Write([]byte(f.text)); err != nil {
			return nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	err := zip.Close()
	return out.Bytes(), err
}

// debianPackage is an ar archive of a version, control data and files.
func debianPackage() ([]byte, error) {
	control, err := tarred(file{"./control", "Package: judge\nVersion: 1.0\nArchitecture: all\nMaintainer: interop <interop@example.test>\nDescription: test package\n"})
	if err != nil {
		return nil, err
	}
	data, err := tarred(file{name: "./usr/share/judge/"}, file{"./usr/share/judge/answer", "42\n"})
	if err != nil {
		return nil, err
	}
	parts := [][]byte{[]byte("!<arch>\n")}
	for _, f := range []file{{"debian-binary", "2.0\n"}, {"control.tar.gz", string(control)}, {"data.tar.gz", string(data)}} {
		parts = append(parts, fmt.Appendf(nil, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", f.name, 1000000000, 0, 0, "100644", len(f.text)), []byte(f.text))
		if len(f.text)%2 == 1 {
			parts = append(parts, []byte("\n"))
		}
	}
	return slices.Concat(parts...), nil
}

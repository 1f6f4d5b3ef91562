package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/sandflare/sandflare-go/internal/local"
)

const syncedFiles = 10_000

// syncRows upload a folder again, and for the first time.
func (b *bench) syncRows() ([]row, error) {
	dir, err := b.tempDir()
	if err != nil {
		return nil, err
	}
	if err := plant(dir); err != nil {
		return nil, err
	}
	_, client, err := b.localSandflare(local.Config{})
	if err != nil {
		return nil, err
	}
	sb, err := client.CreateSandbox(b.ctx, nil)
	if err != nil {
		return nil, err
	}
	upload := func(to string, sent int) error {
		result, err := sb.UploadDir(b.ctx, dir, to, nil)
		if err == nil && result.Sent != sent {
			err = fmt.Errorf("%d files were sent, not %d", result.Sent, sent)
		}
		return err
	}
	if err := upload("again", syncedFiles); err != nil {
		return nil, err
	}
	round := 0
	return []row{{
		name: "UploadDir of 10,000 unchanged files", against: "UploadDir, first time", target: 0.10, rounds: b.size(5, 3),
		ours: timed(1, func() error { return upload("again", 0) }),
		bare: timed(1, func() error {
			round++
			return upload(fmt.Sprintf("first-%d", round), syncedFiles)
		}),
	}}, nil
}

// plant makes small files in a hundred folders.
func plant(dir string) error {
	for i := range syncedFiles {
		folder := filepath.Join(dir, fmt.Sprintf("folder-%02d", i%100))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		content := fmt.Sprintf("package folder // file %d\n", i)
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("file-%04d.go", i)), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

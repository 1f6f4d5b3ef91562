package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/sandflare/sandflare-go"
	"github.com/sandflare/sandflare-go/internal/local"
)

// memoryRows look at what a hundred idle sandboxes keep to themselves.
func (b *bench) memoryRows() ([]row, error) {
	_, client, err := b.localSandflare(local.Config{MaxSandboxes: 200})
	n := b.size(100, 20)
	return []row{{
		name: fmt.Sprintf("private memory, %d sandboxes in parallel", n), against: "none", rounds: 1, compare: more, unit: mebibytes, target: 3, bare: none,
		ours: func() (float64, error) {
			list, err := createMany(b, client, n)
			if err != nil {
				return 0, err
			}
			defer func() {
				for _, sb := range list {
					sb.Close()
				}
			}()
			return privateMemory(n)
		},
	}}, err
}

func createMany(b *bench, client *sandflare.Client, n int) ([]*sandflare.Sandbox, error) {
	list, errs := make([]*sandflare.Sandbox, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if list[i], errs[i] = client.CreateSandbox(b.ctx, nil); errs[i] == nil {
				errs[i] = execTrue(b, list[i])
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// privateMemory is the mean of the guests', which are our children.
func privateMemory(n int) (float64, error) {
	kilobytes, guests := 0, 0
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0, err
	}
	for _, task := range tasks {
		children, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		for pid := range strings.FieldsSeq(string(children)) {
			kilobytes += privateOf(pid)
			guests++
		}
	}
	if guests < n {
		return 0, fmt.Errorf("%d guests were found, not %d", guests, n)
	}
	return float64(kilobytes) / 1024 / float64(guests), nil
}

func privateOf(pid string) (kilobytes int) {
	rollup, _ := os.ReadFile("/proc/" + pid + "/smaps_rollup")
	for line := range bytes.Lines(rollup) {
		fields := bytes.Fields(line)
		if len(fields) == 3 && bytes.HasPrefix(fields[0], []byte("Private_")) {
			n, _ := strconv.Atoi(string(fields[1]))
			kilobytes += n
		}
	}
	return kilobytes
}

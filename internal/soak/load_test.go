package soak_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sandflare/sandflare-go"
)

// Each caller gets the answers to its own questions.
func TestManyCallersOfOneClient(t *testing.T) {
	client := clientOf(t, start(t))
	sb, err := client.CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	callers, begin := full(1000, 200), time.Now()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			path := fmt.Sprintf("files/%d", i)
			assert.NoError(t, sb.WriteFile(t.Context(), path, []byte(numbered(i))))
			data, err := sb.ReadFile(t.Context(), path)
			assert.NoError(t, err)
			assert.Equal(t, numbered(i), string(data))
			assert.NoError(t, sb.Health(t.Context()))
		})
	}
	all.Wait()
	figures(t, "calls of as many goroutines as a third of them", 3*callers, begin)
}

// Sandboxes that live at the same time, each with a command and a file of its own.
func TestManySandboxesAtOnce(t *testing.T) {
	client := clientOf(t, start(t))
	n, begin := full(200, 20), time.Now()
	boxes := make([]*sandflare.Sandbox, n)
	each(n, 16, func(i int) {
		sb, err := client.CreateSandbox(t.Context(), &sandflare.CreateOptions{Label: fmt.Sprint(i)})
		if assert.NoError(t, err) {
			boxes[i] = sb
		}
	})
	require.False(t, t.Failed())
	figures(t, "sandboxes created", n, begin)
	list, err := client.ListSandboxes(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, list, n)
	begin = time.Now()
	each(n, n, func(i int) {
		result, err := boxes[i].Exec(t.Context(), fmt.Sprintf("echo %d > mine; sleep 0.2; cat mine", i), &sandflare.ExecOptions{Timeout: 5 * time.Minute})
		if assert.NoError(t, err) {
			assert.Equal(t, fmt.Sprintln(i), result.Stdout)
		}
	})
	figures(t, "commands at once, one in each sandbox", n, begin)
	begin = time.Now()
	each(n, 16, func(i int) { assert.NoError(t, boxes[i].Delete(t.Context())) })
	figures(t, "sandboxes deleted", n, begin)
}

// No command is lost, none comes twice, and each has its own result.
func TestManyExecs(t *testing.T) {
	client := clientOf(t, start(t))
	sb, err := client.CreateSandbox(t.Context(), nil)
	require.NoError(t, err)
	n, begin := full(10_000, 300), time.Now()
	each(n, 16, func(i int) {
		result, err := sb.Exec(t.Context(), fmt.Sprintf("echo %d | tee -a all", i), &sandflare.ExecOptions{Timeout: 5 * time.Minute})
		if assert.NoError(t, err) {
			assert.Equal(t, fmt.Sprintln(i), result.Stdout)
		}
	})
	figures(t, "execs by 16 callers", n, begin)
	assert.Equal(t, n, len(lines(t, sb, "all")))
}

// each calls work with 0 to n-1, so many at a time.
func each(n, atOnce int, work func(i int)) {
	next := make(chan int)
	var all sync.WaitGroup
	for range min(n, atOnce) {
		all.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	all.Wait()
}

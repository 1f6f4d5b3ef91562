package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/sandflare/sandflare-go"
)

// ownClient is this program's client of a server.
func ownClient(srv *server) (*sandflare.Client, error) {
	config := &tls.Config{RootCAs: srv.pool()}
	return sandflare.NewClient(
		sandflare.WithBaseURL(srv.url), sandflare.WithAPIKey(srv.key),
		sandflare.WithHTTPClient(&http.Client{Transport: &http.Transport{TLSClientConfig: config}}),
	)
}

// give makes what other clients find on the shared server.
func (l *lab) give(ctx context.Context) error {
	client, err := ownClient(l.shared)
	if err != nil {
		return err
	}
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{
		Label: "from Go", Metadata: map[string]string{"k": "ä"}, Env: map[string]string{"E": "env"},
	})
	if err != nil {
		return err
	}
	_, execErr := sb.Exec(ctx, "echo by Go >snapped", nil)
	_, snapErr := sb.CreateSnapshot(ctx, &sandflare.CreateSnapshotOptions{Name: "by Go"})
	return errors.Join(execErr, snapErr, sb.WriteFile(ctx, "/home/user/data", []byte(everyByte)))
}

// taken uses what a client has left on the shared server.
func (l *lab) taken(ctx context.Context, col column) (json.RawMessage, error) {
	client, err := ownClient(l.shared)
	if err != nil {
		return nil, err
	}
	left, err := client.ListSandboxes(ctx, &sandflare.ListOptions{Label: "from " + col.id()})
	if err != nil || len(left) != 1 {
		return nil, fmt.Errorf("%d sandboxes left for Go: %w", len(left), err)
	}
	data, err := left[0].ReadFile(ctx, "/home/user/data")
	if err != nil {
		return nil, err
	}
	env, err := left[0].Exec(ctx, "echo $E", nil)
	if err != nil {
		return nil, err
	}
	text, err := restored(ctx, client, left[0])
	if err != nil {
		return nil, err
	}
	return json.Marshal([]any{left[0].Info().Metadata["k"], base64.StdEncoding.EncodeToString(data), env.Stdout, text})
}

// restored is a file in a sandbox made from the one snapshot of another.
func restored(ctx context.Context, client *sandflare.Client, sb *sandflare.Sandbox) (string, error) {
	snaps, err := sb.ListSnapshots(ctx)
	if err != nil || len(snaps) != 1 {
		return "", fmt.Errorf("%d snapshots left for Go: %w", len(snaps), err)
	}
	box, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{SnapshotID: snaps[0].ID})
	if err != nil {
		return "", err
	}
	defer box.Close()
	text, err := box.ReadFile(ctx, "/home/user/text")
	return string(text), err
}

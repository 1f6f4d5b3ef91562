// Package sandflare is the Go SDK of Sandflare: Firecracker microVM sandboxes
// for AI agents, behind a REST API.
//
//	client, err := sandflare.NewClient() // reads SANDFLARE_API_KEY
//	if err != nil {
//		return err
//	}
//	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "agent"})
//	if err != nil {
//		return err
//	}
//	defer sb.Close()
//	result, err := sb.Exec(ctx, "echo hello", nil)
//
// # Where calls go
//
// A client talks to [DefaultBaseURL] with the key from SANDFLARE_API_KEY. Both
// can be given as options ([WithBaseURL], [WithAPIKey]) or in the environment:
//
//	SANDFLARE_API_KEY, else PANDAAGENT_API_KEY, else AGENTBOX_API_KEY
//	SANDFLARE_API_URL, else PANDAAGENT_BASE_URL
//
// Without an account, the program sandflare-local serves the same API on this
// machine and really runs the commands; package sandflaretest does so in tests:
//
//	go run github.com/sandflare/sandflare-go/cmd/sandflare-local run -- go run ./yourprogram
//
// # Contexts and deadlines
//
// Every call takes a context first, and its cancellation and deadline hold for
// everything the call does, waiting between tries included. A call that has no
// deadline is bounded all the same: 30 seconds a try, 120 for
// [Client.CreateSandbox], the command's timeout plus 10 seconds for commands
// and streams, a minute without a byte for files. Durations are rounded up to
// what the API takes: seconds, minutes or hours.
//
// # Retries
//
// Calls that only read, and calls that end in the same state however often
// they arrive, are tried up to four times ([WithMaxRetries]) with growing,
// jittered pauses; a Retry-After is respected. Calls with an effect, such as
// [Sandbox.Exec], [Sandbox.ExecStream] and [Client.CreateSandbox], are sent
// again only when the first try provably did not run. So no command is ever
// run twice by this package. When an effect's answer is lost, the error Is
// [ErrOutcomeUnknown]; CreateSandbox first looks for the sandbox it asked for
// and returns it when it is there.
//
// # Streams
//
// [Sandbox.ExecStream] is an iterator over a command's output, line by line as
// it is written, in constant memory:
//
//	for event, err := range sb.ExecStream(ctx, "make", nil) {
//		if err != nil {
//			return err // is it ErrStreamInterrupted? Then the command may go on
//		}
//		fmt.Println(event.Type, event.Data)
//	}
//
// The last event is [EventDone], with the exit code; a stream that ends without
// one yields an error. Leaving the loop closes the connection. [CollectExec]
// makes an [ExecResult] of a stream, and [Sandbox.Command] copies it to writers,
// as [os/exec.Cmd] does. Files of any size are streamed by [Sandbox.Upload] and
// [Sandbox.Download].
//
// # Errors
//
// Every error names the operation and the sandbox, and wraps its cause:
// [APIError] for what the service answered, the sentinels such as
// [ErrNotFound] for what it means, context and network errors as they are. A
// command that ends with a non-zero exit code is a result, not an error;
// [ExecResult.Err] makes one of it.
//
// # Concurrency
//
// A [Client] and all handles made by it are safe for concurrent use.
package sandflare

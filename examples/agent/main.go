// Agent gives a language model a sandbox and lets it work there until it has
// an answer. Any endpoint that speaks OpenAI's chat completions will do.
//
//	export OPENAI_API_KEY=…                              # none is sent when it is empty
//	export OPENAI_BASE_URL=http://127.0.0.1:11434/v1     # default: https://api.openai.com/v1
//	export OPENAI_MODEL=…
//	make example-agent TASK="How many primes are below 10000?"
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"

	"github.com/sandflare/sandflare-go"
)

const (
	instructions = "You work in a Linux sandbox of your own, in /home/user. Use the tools to solve the task, " +
		"check what you did, and then answer in a few sentences."
	defaultTask = "Write a program that prints the primes below 100, run it, and tell me how many there are."
	maxTurns    = 30
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	task := strings.Join(os.Args[1:], " ")
	if task == "" {
		task = defaultTask
	}
	if err := run(ctx, task); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, task string) error {
	model, err := newChat()
	if err != nil {
		return err
	}
	client, err := sandflare.NewClient()
	if err != nil {
		return err
	}
	sb, err := client.CreateSandbox(ctx, &sandflare.CreateOptions{Label: "agent"})
	if err != nil {
		return err
	}
	defer sb.Close()
	answer, err := work(ctx, model, sb, task)
	if err != nil {
		return err
	}
	fmt.Println(answer)
	return nil
}

// work is the loop: the model asks for tools and gets their results, until it
// asks for none.
func work(ctx context.Context, model *chat, sb *sandflare.Sandbox, task string) (string, error) {
	messages := []message{{Role: "system", Content: instructions}, {Role: "user", Content: task}}
	for range maxTurns {
		reply, err := model.complete(ctx, messages)
		if err != nil {
			return "", err
		}
		messages = append(messages, reply)
		if len(reply.ToolCalls) == 0 {
			return reply.Content, nil
		}
		for _, call := range reply.ToolCalls {
			fmt.Printf("%s %s\n", call.Function.Name, call.Function.Arguments)
			result := use(ctx, sb, call)
			if err := ctx.Err(); err != nil {
				return "", err
			}
			messages = append(messages, message{Role: "tool", ToolCallID: call.ID, Content: result})
		}
	}
	return "", errors.New("the model did not come to an end")
}

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// chat is a model behind POST …/chat/completions.
type chat struct{ url, key, model string }

func newChat() (*chat, error) {
	c := &chat{
		url:   strings.TrimRight(cmp.Or(os.Getenv("OPENAI_BASE_URL"), "https://api.openai.com/v1"), "/") + "/chat/completions",
		key:   os.Getenv("OPENAI_API_KEY"),
		model: os.Getenv("OPENAI_MODEL"),
	}
	if c.model == "" {
		return nil, errors.New("set OPENAI_MODEL to the name of a model, and OPENAI_API_KEY or OPENAI_BASE_URL to reach it")
	}
	return c, nil
}

// message is one of a conversation.
type message struct {
	Role       string     `json:"role"` // system, user, assistant or tool
	Content    string     `json:"content"`
	ToolCalls  []toolCall `json:"tool_calls,omitempty"`   // what the assistant asks for
	ToolCallID string     `json:"tool_call_id,omitempty"` // what a tool's message answers
}

type toolCall struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"` // JSON
	} `json:"function"`
}

// complete asks for the next message.
func (c *chat) complete(ctx context.Context, messages []message) (message, error) {
	body, err := json.Marshal(map[string]any{"model": c.model, "messages": messages, "tools": tools})
	if err != nil {
		return message{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return message{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return message{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return message{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return message{}, fmt.Errorf("the model's endpoint answered %s: %.500s", resp.Status, data)
	}
	var answer struct {
		Choices []struct{ Message message }
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return message{}, fmt.Errorf("the model's answer cannot be read: %w", err)
	}
	if len(answer.Choices) == 0 {
		return message{}, errors.New("the model's answer is empty")
	}
	return answer.Choices[0].Message, nil
}

package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Decode reads one JSON document into the struct that v points to: strictly
// typed first, leniently where that fails (numbers as text, 1.0 for an
// integer, a number for text; nulls are zero values). Keys are matched as
// encoding/json does it, so without regard to case; of equal ones the last wins.
func Decode(data []byte, v any) error {
	err := json.Unmarshal(data, v)
	if err == nil {
		return nil
	}
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		return decodeLenient(data, v)
	}
	return readable(data, err)
}

// DecodeList reads a list that comes bare or wrapped in an object under one of keys.
func DecodeList[T any](data []byte, keys ...string) ([]T, error) {
	data = bytes.TrimSpace(data)
	if bytes.HasPrefix(data, []byte("{")) {
		inner, err := unwrap(data, keys)
		if err != nil {
			return nil, err
		}
		data = inner
	}
	var list []T
	if err := Decode(data, &list); err != nil {
		return nil, err
	}
	if list == nil {
		list = []T{}
	}
	return list, nil
}

func unwrap(data []byte, keys []string) ([]byte, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, readable(data, err)
	}
	for _, key := range keys {
		if inner, ok := object[key]; ok {
			return inner, nil
		}
	}
	return nil, fmt.Errorf("the answer is an object without a list under any of %q", keys)
}

// readable says in plain words what is wrong with a document. A document that
// stops in the middle is an unexpected end, however its transport framed it.
func readable(data []byte, err error) error {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	if syntax.Offset >= int64(len(data)) && syntax.Error() == "unexpected end of JSON input" {
		return fmt.Errorf("the answer's JSON is cut after %d bytes: %w", len(data), io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("the answer is no JSON document (byte %d): %w", syntax.Offset, err)
}

// Refused returns the text of an answer that reports a failure although its
// status is a success: {"success": false} or {"error": "text"}. It is empty for all others.
func Refused(data []byte) string {
	if !bytes.Contains(data, []byte(`"success"`)) && !bytes.Contains(data, []byte(`"error"`)) {
		return ""
	}
	var envelope struct {
		Success, Error, Message any
	}
	if json.Unmarshal(data, &envelope) != nil {
		return ""
	}
	if text := plainText(envelope.Error); text != "" {
		return text
	}
	if envelope.Success != false && envelope.Success != "false" {
		return ""
	}
	if text := plainText(envelope.Message); text != "" {
		return text
	}
	return "the service reported a failure without a reason"
}

// ErrorText returns what an error answer says, and where the plan can be
// upgraded. It is empty when the body is not the API's JSON.
func ErrorText(data []byte) (text, upgradeURL string) {
	var body struct {
		Error, Message, Detail any
		UpgradeURL             any `json:"upgrade_url"`
	}
	if json.Unmarshal(data, &body) != nil {
		return "", ""
	}
	upgradeURL, _ = body.UpgradeURL.(string)
	for _, v := range []any{body.Error, body.Message, body.Detail} {
		if text := plainText(v); text != "" {
			return text, upgradeURL
		}
	}
	return "", upgradeURL
}

// plainText reads "text" and {"message": "text"}.
func plainText(v any) string {
	if object, ok := v.(map[string]any); ok {
		v = object["message"]
	}
	text, _ := v.(string)
	return text
}

// LineText reads a stream's data that is not exactly {"line": "text"}: other
// objects with a line, error or message, a JSON text, else the data itself.
func LineText(data []byte) string {
	var object struct{ Line, Error, Message, Data any }
	if json.Unmarshal(data, &object) == nil {
		for _, v := range []any{object.Line, object.Error, object.Message, object.Data} {
			if text, ok := v.(string); ok {
				return text
			}
		}
	}
	var text string
	if json.Unmarshal(data, &text) == nil && bytes.HasPrefix(bytes.TrimSpace(data), []byte(`"`)) {
		return text
	}
	return string(bytes.ToValidUTF8(data, []byte("\uFFFD")))
}

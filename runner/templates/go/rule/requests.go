package rule

import (
	"errors"
	"fmt"
	"strings"

	wit "go.bytecodealliance.org/pkg/wit/types"

	http "example.com/{{name}}/bindings/cleanup_rules_http"
	model "example.com/{{name}}/bindings/cleanup_rules_model"
)

var errNotFound = errors.New("not found")

// A failure is an error that knows which of the contract's cases it is.
type failure struct {
	text string
	as   func(text string) model.RuleError
}

func (f *failure) Error() string { return f.text }

// result says a value or an error in the contract's terms.
func result[T any](value T, err error) wit.Result[T, model.RuleError] {
	var known *failure
	switch {
	case err == nil:
		return wit.Ok[T, model.RuleError](value)
	case errors.Is(err, errNotFound):
		return wit.Err[T](model.MakeRuleErrorNotFound())
	case errors.As(err, &known):
		return wit.Err[T](known.as(known.text))
	default:
		return wit.Err[T](model.MakeRuleErrorOther(err.Error()))
	}
}

var verbs = map[http.Method]string{
	http.MethodGet:    "GET",
	http.MethodDelete: "DELETE",
}

// send sends a request. An answer that is no success is an error.
func send(method http.Method, path string) (http.Response, error) {
	asked := verbs[method] + " " + path
	sent := http.Send(http.Request{Service: "{{service}}", Method: method, Path: path})
	if sent.IsErr() {
		return http.Response{}, noAnswer(asked, sent.Err())
	}
	response := sent.Ok()
	if response.Status < 200 || response.Status > 299 {
		return response, refusal(asked, response)
	}
	return response, nil
}

// refusal is what an answer means that is no success.
func refusal(asked string, response http.Response) error {
	text := strings.TrimSpace(fmt.Sprintf("%s: %d %s", asked, response.Status, response.Body))
	switch status := response.Status; {
	case status == 401 || status == 403:
		return &failure{text, model.MakeRuleErrorDenied}
	case status == 404:
		return errNotFound
	case status == 409:
		return &failure{text, model.MakeRuleErrorConflict}
	case status == 429:
		return &failure{text, model.MakeRuleErrorThrottled}
	case status >= 500:
		return &failure{text, model.MakeRuleErrorUnavailable}
	default:
		return &failure{text, model.MakeRuleErrorOther}
	}
}

// noAnswer is what it means that there is no answer.
func noAnswer(asked string, err http.HttpError) error {
	say := func(why string, as func(string) model.RuleError) error {
		return &failure{asked + ": " + why, as}
	}
	switch err.Tag() {
	case http.HttpErrorRefused:
		return say(err.Refused(), model.MakeRuleErrorOther)
	case http.HttpErrorNoService:
		return say("no such service", model.MakeRuleErrorOther)
	case http.HttpErrorThrottled:
		return say(err.Throttled(), model.MakeRuleErrorThrottled)
	case http.HttpErrorTimeout:
		return say(err.Timeout(), model.MakeRuleErrorUnavailable)
	case http.HttpErrorUnreachable:
		return say(err.Unreachable(), model.MakeRuleErrorUnavailable)
	case http.HttpErrorTooLarge:
		return say(err.TooLarge(), model.MakeRuleErrorMalformed)
	case http.HttpErrorUnauthorized:
		return say(err.Unauthorized(), model.MakeRuleErrorDenied)
	default:
		return say(err.Other(), model.MakeRuleErrorOther)
	}
}

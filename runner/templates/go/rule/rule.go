// Package rule is for {{kind}}: what `GET {{path}}` lists, `DELETE {{path}}/{id}` deletes.
//
// To be compared with the API: where Kinds says that fields stand and whose things a listing shows (Reach), how the
// next page is found, and which statuses mean something else here than elsewhere.
package rule

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	wit "go.bytecodealliance.org/pkg/wit/types"

	http "example.com/{{name}}/bindings/cleanup_rules_http"
	model "example.com/{{name}}/bindings/cleanup_rules_model"
)

func Kinds() []model.Kind {
	collect()
	return []model.Kind{{
		Name:    "{{kind}}",
		Service: "{{service}}",
		Reach:   model.MakeReachProjects(),
		Fields: model.Fields{
			Id:        "/id",
			Names:     []string{"/name"},
			Project:   "/project_id",
			CreatedAt: "/created_at",
			Status:    "/status",
		},
		Requests: []string{"DELETE {{path}}/{id}"},
		// All that it is shown of an object are the fields above. What else it needs, it names here.
		Extra: []model.Property{{Name: "sees", Value: "/id"}},
	}}
}

// List takes the path of a page for its cursor.
func List(_ string, _ model.Scope, cursor wit.Option[string]) wit.Result[model.Page, model.RuleError] {
	collect()
	return result(list(cursor.SomeOr("{{path}}")))
}

func list(path string) (model.Page, error) {
	response, err := send(http.MethodGet, path)
	if err != nil {
		return model.Page{}, err
	}
	// Some services link to the next page in `links`, some in `{{at}}_links`.
	var body struct {
		Links struct {
			Next string `json:"next"`
		} `json:"links"`
		MoreLinks []struct {
			Rel  string `json:"rel"`
			Href string `json:"href"`
		} `json:"{{at}}_links"`
	}
	if !json.Valid([]byte(response.Body)) {
		return model.Page{}, &failure{"GET " + path + ": the answer is no JSON", model.MakeRuleErrorMalformed}
	}
	read(response.Body, &body)
	next := body.Links.Next
	for _, link := range body.MoreLinks {
		if link.Rel == "next" {
			next = link.Href
		}
	}
	return model.Page{
		Slices: []model.Slice{{Response: response.Number, At: "/{{at}}"}},
		Next:   some(next),
	}, nil
}

func Name(_ string, item model.Item) wit.Option[string] {
	collect()
	var thing struct {
		Name string `json:"name"`
	}
	read(item.Object, &thing)
	return some(thing.Name)
}

func Delete(_ string, item model.Item) wit.Result[model.Outcome, model.RuleError] {
	collect()
	// In a path the runner wants more characters encoded than url.PathEscape does.
	id := strings.ReplaceAll(url.QueryEscape(item.Id), "+", "%20")
	response, err := send(http.MethodDelete, "{{path}}/"+id)
	outcome := model.MakeOutcomeGone()
	switch {
	case errors.Is(err, errNotFound):
		err = nil
	case response.Status == 202:
		// What was only accepted is listed again until it is gone.
		outcome = model.MakeOutcomeAccepted()
	}
	return result(outcome, err)
}

// read fills a struct from JSON as far as it fits: what is missing, or of another type, stays empty.
func read(text string, into any) {
	_ = json.Unmarshal([]byte(text), into)
}

// some is the text, if there is something in it.
func some(text string) wit.Option[string] {
	if text == "" {
		return wit.None[string]()
	}
	return wit.Some(text)
}

// Package rule cleans ports of the network service. A port without a name belongs to the router or the server that uses
// it.
package rule

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	wit "go.bytecodealliance.org/pkg/wit/types"

	http "example.com/port/bindings/cleanup_rules_http"
	model "example.com/port/bindings/cleanup_rules_model"
)

// A port is what this rule has to know of one.
type port struct {
	Name        string `json:"name"`
	DeviceOwner string `json:"device_owner"`
	DeviceID    string `json:"device_id"`
}

// interfaces are the ports that Neutron refuses to delete: they are taken out of their router instead.
var interfaces = []string{
	"network:router_interface",
	"network:router_interface_distributed",
	"network:ha_router_replicated_interface",
}

func Kinds() []model.Kind {
	collect()
	return []model.Kind{{
		Name:    "network.port",
		Service: "network",
		Reach:   model.MakeReachProjects(),
		Fields: model.Fields{
			Id:        "/id",
			Names:     []string{"/name"},
			Project:   "/project_id",
			CreatedAt: "/created_at",
			Status:    "/status",
			Tags:      "/tags",
		},
		Owners: []model.OwnerField{
			{Kind: "network.router", At: "/device_id"},
			{Kind: "compute.server", At: "/device_id"},
		},
		After: []string{"compute.server"},
		Requests: []string{
			`PUT /v2.0/routers/{/device_id}/remove_router_interface {"port_id":"{id}"}`,
			"DELETE /v2.0/ports/{id}",
		},
		// All that it is shown of a port is what is named above, and this.
		Extra: []model.Property{{Name: "sees", Value: "/device_owner"}},
	}}
}

func List(_ string, scope model.Scope, cursor wit.Option[string]) wit.Result[model.Page, model.RuleError] {
	collect()
	if cursor.IsSome() {
		return result(list(cursor.Some()))
	}
	return result(list(firstPage(scope)))
}

func firstPage(scope model.Scope) string {
	switch scope.Tag() {
	case model.ScopeAll:
		return "/v2.0/ports?limit=500"
	case model.ScopeProject:
		return "/v2.0/ports?limit=500&project_id=" + scope.Project()
	default:
		panic("ports are not listed under anything")
	}
}

func list(path string) (model.Page, error) {
	response, err := send(http.MethodGet, path, wit.None[string]())
	if err != nil {
		return model.Page{}, err
	}
	var body struct {
		Ports []json.RawMessage `json:"ports"`
		Links []struct {
			Rel  string `json:"rel"`
			Href string `json:"href"`
		} `json:"ports_links"`
	}
	read(response.Body, &body)
	if body.Ports == nil {
		return model.Page{}, &failure{"GET " + path + " shows no list of ports", model.MakeRuleErrorMalformed}
	}
	page := model.Page{Slices: []model.Slice{{Response: response.Number, At: "/ports"}}}
	for _, link := range body.Links {
		if link.Rel == "next" {
			page.Next = some(link.Href)
			break
		}
	}
	return page, nil
}

func Name(_ string, item model.Item) wit.Option[string] {
	collect()
	return some(parse(item).Name)
}

// Owners is who uses the port, and so speaks for it.
func Owners(_ string, item model.Item) []model.Owner {
	collect()
	return parse(item).owners()
}

func (port port) owners() []model.Owner {
	kind := ""
	switch user := port.DeviceOwner; {
	case strings.HasPrefix(user, "network:router"), user == "network:ha_router_replicated_interface":
		kind = "network.router"
	case strings.HasPrefix(user, "compute:"):
		kind = "compute.server"
	}
	if kind == "" || port.DeviceID == "" {
		return nil
	}
	return []model.Owner{{
		Relation: model.RelationNamedBy,
		Owner:    model.Thing{Kind: kind, Id: port.DeviceID},
	}}
}

func Delete(_ string, item model.Item) wit.Result[model.Outcome, model.RuleError] {
	collect()
	port := parse(item)
	err := remove(item.Id, port)
	owners := port.owners()
	switch {
	case errors.Is(err, errNotFound):
		err = nil
	// A gateway goes with its router, an interface after the routes through it: the router is in the way.
	case isConflict(err) && len(owners) > 0 && owners[0].Owner.Kind == "network.router":
		return result(model.MakeOutcomeBlocked([]model.Thing{owners[0].Owner}), nil)
	}
	return result(model.MakeOutcomeGone(), err)
}

func remove(id string, port port) error {
	if !slices.Contains(interfaces, port.DeviceOwner) {
		_, err := send(http.MethodDelete, "/v2.0/ports/"+id, wit.None[string]())
		return err
	}
	if port.DeviceID == "" {
		panic("an interface says which router it is of")
	}
	path := "/v2.0/routers/" + port.DeviceID + "/remove_router_interface"
	_, err := send(http.MethodPut, path, wit.Some(`{"port_id":"`+id+`"}`))
	return err
}

func parse(item model.Item) port {
	var port port
	read(item.Object, &port)
	return port
}

// some is the text, if there is something in it.
func some(text string) wit.Option[string] {
	if text == "" {
		return wit.None[string]()
	}
	return wit.Some(text)
}

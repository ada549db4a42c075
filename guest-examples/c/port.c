// Ports of the network service. A port without a name belongs to the router or the server that uses it.
//
// Who frees what: the arguments of an export are its own, so each export ends by freeing them. What it returns has to
// be allocated, and the bindings free it once the runner has read it. Everything else borrows, except what is said to
// be allocated: that is the caller's to free.

#include <guest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

typedef guest_string_t string_t;

// A borrowed string literal.
#define TEXT(literal) ((string_t){(uint8_t *)(literal), sizeof(literal) - 1})

// Allocated: the texts, one behind the other.
#define JOIN(...) join((string_t[]){__VA_ARGS__}, sizeof((string_t[]){__VA_ARGS__}) / sizeof(string_t))

// Allocated: a list of copies of string literals.
#define LIST(...) list((const char *[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

// The runner shows what was written to standard error in its report of the crash.
_Noreturn static void fail(const char *why) {
  fputs(why, stderr);
  fputs("\n", stderr);
  abort();
}

// Allocated, and zeroed.
static void *allocate(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL) fail("out of memory");
  return memory;
}

static string_t join(const string_t *parts, size_t count) {
  string_t joined = {0};
  for (size_t i = 0; i < count; i++) joined.len += parts[i].len;
  if (joined.len == 0) return joined;
  joined.ptr = allocate(joined.len, 1);
  uint8_t *end = joined.ptr;
  for (size_t i = 0; i < count; i++) {
    if (parts[i].len > 0) memcpy(end, parts[i].ptr, parts[i].len);
    end += parts[i].len;
  }
  return joined;
}

// Allocated: a copy.
static string_t copy(string_t text) { return join(&text, 1); }

static guest_list_string_t list(const char *const *texts, size_t count) {
  guest_list_string_t copies = {allocate(count, sizeof(string_t)), count};
  for (size_t i = 0; i < count; i++) guest_string_dup(&copies.ptr[i], texts[i]);
  return copies;
}

static bool equals(string_t text, string_t other) {
  return text.len == other.len && memcmp(text.ptr, other.ptr, text.len) == 0;
}

static bool starts_with(string_t text, string_t start) {
  return text.len >= start.len && memcmp(text.ptr, start.ptr, start.len) == 0;
}

// Allocated. What is no JSON is NULL, which has no members.
static yyjson_doc *parse(string_t json) { return yyjson_read((const char *)json.ptr, json.len, YYJSON_READ_NOFLAG); }

// The string at a JSON pointer; empty if no string is there.
static string_t string_at(yyjson_val *json, const char *pointer) {
  yyjson_val *value = yyjson_ptr_get(json, pointer);
  if (!yyjson_is_str(value)) return (string_t){0};
  return (string_t){(uint8_t *)yyjson_get_str(value), yyjson_get_len(value)};
}

static string_t verb(http_method_t method) {
  switch (method) {
    case HTTP_METHOD_GET: return TEXT("GET");
    case HTTP_METHOD_PUT: return TEXT("PUT");
    case HTTP_METHOD_DELETE: return TEXT("DELETE");
    default: fail("this rule sends GET, PUT and DELETE");
  }
}

// Allocated: what it means that there is no answer.
static model_rule_error_t no_answer(http_method_t method, string_t path, const http_http_error_t *error) {
  static const uint8_t meanings[] = {
      [HTTP_HTTP_ERROR_REFUSED] = MODEL_RULE_ERROR_OTHER,
      [HTTP_HTTP_ERROR_NO_SERVICE] = MODEL_RULE_ERROR_OTHER,
      [HTTP_HTTP_ERROR_THROTTLED] = MODEL_RULE_ERROR_THROTTLED,
      [HTTP_HTTP_ERROR_TIMEOUT] = MODEL_RULE_ERROR_UNAVAILABLE,
      [HTTP_HTTP_ERROR_UNREACHABLE] = MODEL_RULE_ERROR_UNAVAILABLE,
      [HTTP_HTTP_ERROR_TOO_LARGE] = MODEL_RULE_ERROR_MALFORMED,
      [HTTP_HTTP_ERROR_UNAUTHORIZED] = MODEL_RULE_ERROR_DENIED,
      [HTTP_HTTP_ERROR_OTHER] = MODEL_RULE_ERROR_OTHER,
  };
  // All other cases carry a text, so that it may be read through any of them.
  bool silent = error->tag == HTTP_HTTP_ERROR_NO_SERVICE;
  string_t why = silent ? TEXT("no such service") : error->val.other;
  return (model_rule_error_t){
      .tag = meanings[error->tag],
      .val.other = JOIN(verb(method), TEXT(" "), path, TEXT(": "), why),
  };
}

static uint8_t meaning(uint32_t status) {
  switch (status) {
    case 401:
    case 403: return MODEL_RULE_ERROR_DENIED;
    case 404: return MODEL_RULE_ERROR_NOT_FOUND;
    case 409: return MODEL_RULE_ERROR_CONFLICT;
    case 429: return MODEL_RULE_ERROR_THROTTLED;
    default: return status >= 500 ? MODEL_RULE_ERROR_UNAVAILABLE : MODEL_RULE_ERROR_OTHER;
  }
}

// Allocated: what an answer means that is no success, with what Neutron says about it.
static model_rule_error_t refusal(http_method_t method, string_t path, const http_response_t *response) {
  model_rule_error_t error = {.tag = meaning(response->status)};
  if (error.tag == MODEL_RULE_ERROR_NOT_FOUND) return error;

  char digits[11];
  int count = snprintf(digits, sizeof digits, "%u", (unsigned)response->status);
  string_t status = {(uint8_t *)digits, (size_t)count};

  yyjson_doc *body = parse(response->body);
  string_t message = string_at(yyjson_doc_get_root(body), "/NeutronError/message");
  string_t space = message.len > 0 ? TEXT(" ") : (string_t){0};
  error.val.other = JOIN(verb(method), TEXT(" "), path, TEXT(": "), status, space, message);
  yyjson_doc_free(body);
  return error;
}

// Sends a request. Allocated: if the answer is a success the response, otherwise the error.
//
// Ids are put into paths and bodies as they are: those of Neutron and Keystone hold nothing that had to be encoded.
static bool send(http_method_t method, string_t path, const string_t *body, http_response_t *response,
                 model_rule_error_t *error) {
  http_request_t request = {.service = TEXT("network"), .method = method, .path = path};
  if (body != NULL) request.body = (guest_option_string_t){true, *body};

  http_http_error_t failure;
  if (!http_send(&request, response, &failure)) {
    *error = no_answer(method, path, &failure);
    http_http_error_free(&failure);
    return false;
  }
  if (response->status >= 200 && response->status < 300) return true;
  *error = refusal(method, path, response);
  http_response_free(response);
  return false;
}

void exports_rule_kinds(exports_rule_list_kind_t *ret) {
  model_kind_t *port = allocate(1, sizeof *port);
  guest_string_dup(&port->name, "network.port");
  guest_string_dup(&port->service, "network");
  port->reach.tag = MODEL_REACH_PROJECTS;
  guest_string_dup(&port->fields.id, "/id");
  port->fields.names = LIST("/name");
  guest_string_dup(&port->fields.project, "/project_id");
  guest_string_dup(&port->fields.created_at, "/created_at");
  guest_string_dup(&port->fields.status, "/status");
  guest_string_dup(&port->fields.tags, "/tags");
  port->owners.len = 2;
  port->owners.ptr = allocate(port->owners.len, sizeof *port->owners.ptr);
  port->owners.ptr[0] = (model_owner_field_t){copy(TEXT("network.router")), copy(TEXT("/device_id"))};
  port->owners.ptr[1] = (model_owner_field_t){copy(TEXT("compute.server")), copy(TEXT("/device_id"))};
  port->after = LIST("compute.server");
  port->requests = LIST("PUT /v2.0/routers/{/device_id}/remove_router_interface {\"port_id\":\"{id}\"}",
                        "DELETE /v2.0/ports/{id}");
  // All that it is shown of a port is what is named above, and this.
  port->extra.len = 1;
  port->extra.ptr = allocate(port->extra.len, sizeof *port->extra.ptr);
  port->extra.ptr[0] = (model_property_t){copy(TEXT("sees")), copy(TEXT("/device_owner"))};
  *ret = (exports_rule_list_kind_t){port, 1};
}

// Allocated.
static string_t first_page(const model_scope_t *scope) {
  switch (scope->tag) {
    case MODEL_SCOPE_ALL: return copy(TEXT("/v2.0/ports?limit=500"));
    case MODEL_SCOPE_PROJECT: return JOIN(TEXT("/v2.0/ports?limit=500&project_id="), scope->val.project);
    default: fail("ports are not listed under anything");
  }
}

// Neutron's link to the page behind this one; empty if this is the last.
static string_t next_page(yyjson_val *body) {
  size_t i, count;
  yyjson_val *link;
  yyjson_arr_foreach(yyjson_obj_get(body, "ports_links"), i, count, link) {
    if (equals(string_at(link, "/rel"), TEXT("next"))) return string_at(link, "/href");
  }
  return (string_t){0};
}

static bool list_page(string_t path, model_page_t *page, model_rule_error_t *error) {
  http_response_t response;
  if (!send(HTTP_METHOD_GET, path, NULL, &response, error)) return false;

  yyjson_doc *document = parse(response.body);
  yyjson_val *body = yyjson_doc_get_root(document);
  bool listed = yyjson_is_arr(yyjson_obj_get(body, "ports"));
  if (listed) {
    page->slices.len = 1;
    page->slices.ptr = allocate(1, sizeof *page->slices.ptr);
    page->slices.ptr[0] = (model_slice_t){.response = response.number, .at = copy(TEXT("/ports"))};
    string_t next = next_page(body);
    page->next = (guest_option_string_t){next.len > 0, copy(next)};
  } else {
    error->tag = MODEL_RULE_ERROR_MALFORMED;
    error->val.malformed = JOIN(TEXT("GET "), path, TEXT(" shows no list of ports"));
  }
  yyjson_doc_free(document);
  http_response_free(&response);
  return listed;
}

bool exports_rule_list(string_t *kind, exports_rule_scope_t *scope, string_t *cursor, exports_rule_page_t *ret,
                       exports_rule_rule_error_t *err) {
  string_t path = cursor != NULL ? copy(*cursor) : first_page(scope);
  bool listed = list_page(path, ret, err);
  guest_string_free(&path);
  if (cursor != NULL) guest_string_free(cursor);
  exports_rule_scope_free(scope);
  guest_string_free(kind);
  return listed;
}

bool exports_rule_name(string_t *kind, exports_rule_item_t *item, string_t *ret) {
  yyjson_doc *port = parse(item->object);
  *ret = copy(string_at(yyjson_doc_get_root(port), "/name"));
  yyjson_doc_free(port);
  exports_rule_item_free(item);
  guest_string_free(kind);
  return ret->len > 0;
}

// The kind of what uses the port, and so speaks for it; empty if nobody does.
static string_t owner_kind(string_t device_owner) {
  if (starts_with(device_owner, TEXT("network:router")) ||
      equals(device_owner, TEXT("network:ha_router_replicated_interface")))
    return TEXT("network.router");
  if (starts_with(device_owner, TEXT("compute:"))) return TEXT("compute.server");
  return (string_t){0};
}

void exports_owners_owners(string_t *kind, exports_owners_item_t *item, exports_owners_list_owner_t *ret) {
  yyjson_doc *document = parse(item->object);
  yyjson_val *port = yyjson_doc_get_root(document);
  string_t owner = owner_kind(string_at(port, "/device_owner"));
  string_t id = string_at(port, "/device_id");
  *ret = (exports_owners_list_owner_t){0};
  if (owner.len > 0 && id.len > 0) {
    ret->len = 1;
    ret->ptr = allocate(1, sizeof *ret->ptr);
    ret->ptr[0] = (model_owner_t){MODEL_RELATION_NAMED_BY, {copy(owner), copy(id)}};
  }
  yyjson_doc_free(document);
  exports_owners_item_free(item);
  guest_string_free(kind);
}

// Ports that Neutron refuses to delete: they are taken out of their router instead.
static bool is_interface(string_t device_owner) {
  return equals(device_owner, TEXT("network:router_interface")) ||
         equals(device_owner, TEXT("network:router_interface_distributed")) ||
         equals(device_owner, TEXT("network:ha_router_replicated_interface"));
}

static bool is_routers(yyjson_val *port) {
  string_t owner = owner_kind(string_at(port, "/device_owner"));
  return equals(owner, TEXT("network.router")) && string_at(port, "/device_id").len > 0;
}

static bool delete_port(yyjson_val *port, string_t id, http_response_t *response, model_rule_error_t *error) {
  string_t path, body = {0};
  http_method_t method;
  if (is_interface(string_at(port, "/device_owner"))) {
    string_t router = string_at(port, "/device_id");
    if (router.len == 0) fail("an interface says which router it is of");
    method = HTTP_METHOD_PUT;
    path = JOIN(TEXT("/v2.0/routers/"), router, TEXT("/remove_router_interface"));
    body = JOIN(TEXT("{\"port_id\":\""), id, TEXT("\"}"));
  } else {
    method = HTTP_METHOD_DELETE;
    path = JOIN(TEXT("/v2.0/ports/"), id);
  }
  bool sent = send(method, path, body.len > 0 ? &body : NULL, response, error);
  guest_string_free(&path);
  guest_string_free(&body);
  return sent;
}

bool exports_rule_delete(string_t *kind, exports_rule_item_t *item, exports_rule_outcome_t *ret,
                         exports_rule_rule_error_t *err) {
  yyjson_doc *document = parse(item->object);
  yyjson_val *port = yyjson_doc_get_root(document);
  http_response_t response;
  bool deleted = delete_port(port, item->id, &response, err);
  if (deleted) http_response_free(&response);
  ret->tag = MODEL_OUTCOME_GONE;
  // A gateway goes with its router, an interface after the routes through it: the router is in the way.
  bool blocked = !deleted && err->tag == MODEL_RULE_ERROR_CONFLICT && is_routers(port);
  if (blocked) {
    model_rule_error_free(err);
    ret->tag = MODEL_OUTCOME_BLOCKED;
    ret->val.blocked.len = 1;
    ret->val.blocked.ptr = allocate(1, sizeof *ret->val.blocked.ptr);
    ret->val.blocked.ptr[0] = (model_thing_t){copy(TEXT("network.router")), copy(string_at(port, "/device_id"))};
  }
  yyjson_doc_free(document);
  exports_rule_item_free(item);
  guest_string_free(kind);
  return deleted || blocked || err->tag == MODEL_RULE_ERROR_NOT_FOUND;
}

// {{kind}}: what `GET {{path}}` lists, `DELETE {{path}}/{id}` deletes.
//
// To be compared with the API: where `exports_rule_kinds` says that fields stand and whose things a listing shows
// (`reach`), how the next page is found, and which statuses mean something else here than elsewhere. Ids are put into
// paths as they are: an id that may hold anything but letters, digits and `-._~` has to be percent-encoded.
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

// Allocated, and zeroed. The runner shows in its report of a crash what was written to standard error.
static void *allocate(size_t size) {
  void *memory = calloc(1, size);
  if (memory == NULL) {
    fputs("out of memory\n", stderr);
    abort();
  }
  return memory;
}

static string_t join(const string_t *parts, size_t count) {
  string_t joined = {0};
  for (size_t i = 0; i < count; i++) joined.len += parts[i].len;
  if (joined.len == 0) return joined;
  joined.ptr = allocate(joined.len);
  uint8_t *end = joined.ptr;
  for (size_t i = 0; i < count; i++) {
    if (parts[i].len > 0) memcpy(end, parts[i].ptr, parts[i].len);
    end += parts[i].len;
  }
  return joined;
}

// Allocated: a list of one string.
static guest_list_string_t list_of(const char *text) {
  guest_list_string_t list = {allocate(sizeof(string_t)), 1};
  guest_string_dup(list.ptr, text);
  return list;
}

// Allocated. What is no JSON is NULL, which has no members.
static yyjson_doc *parse(string_t json) { return yyjson_read((const char *)json.ptr, json.len, YYJSON_READ_NOFLAG); }

// The string at a JSON pointer; empty if no string is there.
static string_t string_at(yyjson_val *json, const char *pointer) {
  yyjson_val *value = yyjson_ptr_get(json, pointer);
  if (!yyjson_is_str(value)) return (string_t){0};
  return (string_t){(uint8_t *)yyjson_get_str(value), yyjson_get_len(value)};
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

// Sends a request. Allocated: if the answer is a success the response, otherwise the error.
static bool send(http_method_t method, string_t path, http_response_t *response, model_rule_error_t *error) {
  string_t verb = method == HTTP_METHOD_GET ? TEXT("GET ") : TEXT("DELETE ");
  http_request_t request = {.service = TEXT("{{service}}"), .method = method, .path = path};

  http_http_error_t failure;
  if (!http_send(&request, response, &failure)) {
    // All other cases carry a text, so that it may be read through any of them.
    bool silent = failure.tag == HTTP_HTTP_ERROR_NO_SERVICE;
    string_t why = silent ? TEXT("no such service") : failure.val.other;
    error->tag = MODEL_RULE_ERROR_UNAVAILABLE;
    error->val.unavailable = JOIN(verb, path, TEXT(": "), why);
    http_http_error_free(&failure);
    return false;
  }
  if (response->status >= 200 && response->status < 300) return true;

  error->tag = meaning(response->status);
  if (error->tag != MODEL_RULE_ERROR_NOT_FOUND) {
    char digits[11];
    int count = snprintf(digits, sizeof digits, "%u", (unsigned)response->status);
    string_t status = {(uint8_t *)digits, (size_t)count};
    string_t space = response->body.len > 0 ? TEXT(" ") : (string_t){0};
    error->val.other = JOIN(verb, path, TEXT(": "), status, space, response->body);
  }
  http_response_free(response);
  return false;
}

void exports_rule_kinds(exports_rule_list_kind_t *ret) {
  model_kind_t *kind = allocate(sizeof *kind);
  guest_string_dup(&kind->name, "{{kind}}");
  guest_string_dup(&kind->service, "{{service}}");
  kind->reach.tag = MODEL_REACH_PROJECTS;
  guest_string_dup(&kind->fields.id, "/id");
  kind->fields.names = list_of("/name");
  guest_string_dup(&kind->fields.project, "/project_id");
  guest_string_dup(&kind->fields.created_at, "/created_at");
  guest_string_dup(&kind->fields.status, "/status");
  kind->requests = list_of("DELETE {{path}}/{id}");
  // All that it is shown of an object are the fields above. What else it needs, it names here.
  kind->extra = (model_list_property_t){allocate(sizeof(model_property_t)), 1};
  kind->extra.ptr[0] = (model_property_t){JOIN(TEXT("sees")), JOIN(TEXT("/id"))};
  *ret = (exports_rule_list_kind_t){kind, 1};
}

// Some services link to the next page in `links`, some in `{{at}}_links`. Empty if this is the last.
static string_t next_page(yyjson_val *body) {
  size_t i, count;
  yyjson_val *link;
  yyjson_arr_foreach(yyjson_obj_get(body, "{{at}}_links"), i, count, link) {
    if (yyjson_equals_str(yyjson_obj_get(link, "rel"), "next")) return string_at(link, "/href");
  }
  return string_at(body, "/links/next");
}

static bool list_page(string_t path, model_page_t *page, model_rule_error_t *error) {
  http_response_t response;
  if (!send(HTTP_METHOD_GET, path, &response, error)) return false;

  yyjson_doc *body = parse(response.body);
  bool listed = body != NULL;
  if (!listed) {
    error->tag = MODEL_RULE_ERROR_MALFORMED;
    error->val.malformed = JOIN(TEXT("GET "), path, TEXT(": the answer is no JSON"));
  } else {
    page->slices = (model_list_slice_t){allocate(sizeof(model_slice_t)), 1};
    page->slices.ptr[0] = (model_slice_t){.response = response.number, .at = JOIN(TEXT("/{{at}}"))};
    string_t next = next_page(yyjson_doc_get_root(body));
    page->next = (guest_option_string_t){next.len > 0, JOIN(next)};
  }
  yyjson_doc_free(body);
  http_response_free(&response);
  return listed;
}

// The cursor is the path of the page.
bool exports_rule_list(string_t *kind, exports_rule_scope_t *scope, string_t *cursor, exports_rule_page_t *ret,
                       exports_rule_rule_error_t *err) {
  bool listed = list_page(cursor != NULL ? *cursor : TEXT("{{path}}"), ret, err);
  if (cursor != NULL) guest_string_free(cursor);
  exports_rule_scope_free(scope);
  guest_string_free(kind);
  return listed;
}

bool exports_rule_name(string_t *kind, exports_rule_item_t *item, string_t *ret) {
  yyjson_doc *object = parse(item->object);
  *ret = JOIN(string_at(yyjson_doc_get_root(object), "/name"));
  yyjson_doc_free(object);
  exports_rule_item_free(item);
  guest_string_free(kind);
  return ret->len > 0;
}

bool exports_rule_delete(string_t *kind, exports_rule_item_t *item, exports_rule_outcome_t *ret,
                         exports_rule_rule_error_t *err) {
  string_t path = JOIN(TEXT("{{path}}/"), item->id);
  http_response_t response;
  bool deleted = send(HTTP_METHOD_DELETE, path, &response, err);
  ret->tag = MODEL_OUTCOME_GONE;
  if (deleted) {
    // What was only accepted is listed again until it is gone.
    if (response.status == 202) ret->tag = MODEL_OUTCOME_ACCEPTED;
    http_response_free(&response);
  }
  guest_string_free(&path);
  exports_rule_item_free(item);
  guest_string_free(kind);
  return deleted || err->tag == MODEL_RULE_ERROR_NOT_FOUND;
}

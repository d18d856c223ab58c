const api = document.getElementById("api");

// Errors that most operations share are listed once, above the operations.
const withoutSharedErrors = ({ specSelectors, React }) => ({
  wrapComponents: {
    responses: (Responses) => (props) => {
      const spec = specSelectors.specJson();
      const errors = spec.getIn(["info", "description"]);
      const described = spec.getIn(["paths", props.path, props.method, "responses"]);
      const isShared = (_, status) => {
        const name = described.getIn([status, "$ref"], "").split("/").pop();
        const path = ["components", "responses", name, "content", "application/json", "examples"];
        return spec
          .getIn(path)
          ?.every((example) => {
            const message = example.getIn(["value", "error"], "").replaceAll("<", "\\<");
            return errors.includes(`| ${status} | \`${example.get("summary")}\` | ${message} |`);
          });
      };
      const shared = props.responses.filter(isShared).keySeq();
      const responses = props.responses.filterNot(isShared);
      return React.createElement(
        React.Fragment,
        null,
        React.createElement(Responses, { ...props, responses }),
        React.createElement(
          "p",
          { className: "opblock-description-wrapper" },
          `Also ${shared.join(", ")}: see Errors at the top of this page.`,
        ),
      );
    },
  },
});

// Requests go to the host of this page, by whatever name it was opened.
const withOwnHost = {
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (update) => (description) =>
          update({ ...description, servers: [{ url: location.origin }] }),
      },
    },
  },
};

// An upload needs the id of the user. Swagger UI would invent one; this is the id in the last
// response that had it, or empty.
let userId = "";
const withOwnUserId = ({ React }) => ({
  wrapComponents: {
    JsonSchemaForm: (Form) => (props) => {
      const isInitial = React.useRef(props.description === "user_id" && props.required);
      React.useEffect(() => { isInitial.current = false; }, []);
      return React.createElement(Form, isInitial.current ? { ...props, value: userId } : props);
    },
  },
});
const keepUserId = (response) => {
  if (response.ok && ["/users", "/users/me"].includes(new URL(response.url).pathname)) {
    userId = response.obj?.user_id ?? response.obj?._id ?? "";
  }
  return response;
};

SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: api.dataset.keepsToken === "true",
  plugins: [withoutSharedErrors, withOwnHost, withOwnUserId],
  responseInterceptor: keepUserId,
  // The validator badge would send the description to another host.
  validatorUrl: null,
});

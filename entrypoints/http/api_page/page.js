SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  // The badge would ask a server elsewhere about our description.
  validatorUrl: null,
});

/** The version of the service and of its OpenAPI document, from package.json. */
export const VERSION = '0.2.0';

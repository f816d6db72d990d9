import Hummingbird
package import Logging
package import Messages

/// The REST API: a controller a resource, all over one `Jobs`.
package struct API: Sendable {
    package let routes: [Route]

    package init(
        settings: GatewaySettings, gateway: GatewayID, dispatcher: Dispatcher, jobs store: JobStore, logger: Logger
    ) {
        let jobs = Jobs(settings: settings, gateway: gateway, dispatcher: dispatcher, store: store, logger: logger)
        let reader = BodyReader(timeLimit: settings.bodyTimeout, budget: BodyBudget(settings.bodyMemory))
        let upload = ImageUpload(maximumBytes: settings.maximumImageBytes, reader: reader)
        let cookie = PersonCookie(secure: settings.secureCookie)
        routes =
            PageController().routes
            + SelfieController(settings: settings, jobs: jobs, upload: upload, cookie: cookie).routes
            + JobController(settings: settings, jobs: jobs).routes
            + UserController(settings: settings, jobs: jobs, reader: reader, cookie: cookie).routes
            + MergeController(settings: settings, jobs: jobs, reader: reader, cookie: cookie).routes
    }
}

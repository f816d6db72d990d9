package import HTTPTypes

/// What every response tells the browser not to do.
package enum SecurityHeaders {
    package static let fields: HTTPFields = [
        .contentSecurityPolicy:
            "default-src 'none'; script-src '\(PageFiles.composed.scriptHash)'; style-src '\(PageFiles.composed.styleHash)'; "
            + "img-src 'self' blob:; media-src 'self' blob:; font-src 'self'; manifest-src 'self'; connect-src 'self'; "
            + "frame-src https://www.youtube-nocookie.com; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        HTTPField.Name("Permissions-Policy")!:
            "camera=(self), microphone=(), geolocation=(), autoplay=(self \"https://www.youtube-nocookie.com\")",
        // YouTube's player refuses to play for a page that sends no referrer.
        HTTPField.Name("Referrer-Policy")!: "strict-origin-when-cross-origin",
        .xContentTypeOptions: "nosniff",
        HTTPField.Name("Cross-Origin-Resource-Policy")!: "same-origin",
    ]
}

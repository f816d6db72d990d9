package import Hummingbird
package import Messages

/// The cookie that remembers whom the last selfie showed, out of reach of scripts and of other sites.
package struct PersonCookie: Sendable {
    package static let name = "mien_user"

    /// Whether browsers may send it over HTTPS only.
    package var secure: Bool

    package init(secure: Bool) {
        self.secure = secure
    }

    package func person(in request: Request) -> UserID? {
        request.cookies[Self.name].flatMap { UserID($0.value) }
    }

    /// Remembers a person for half a year, or forgets whoever was remembered.
    package func set(_ person: UserID?, on response: inout Response) {
        response.setCookie(
            Cookie(
                name: Self.name, value: person.map(\.description) ?? "", maxAge: person == nil ? 0 : 15_552_000,
                path: "/", secure: secure, httpOnly: true, sameSite: .strict))
    }
}

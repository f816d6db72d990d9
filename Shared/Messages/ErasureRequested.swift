/// Somebody asked to be forgotten. Every stage of the trip erases what it owns and passes the fact on.
package struct ErasureRequested: Message, Hashable {
    package static let name = "erasure-requested"

    /// Everybody to be erased: one person may have been given several ids.
    package var users: [UserID]
    /// Those of them whom a stage has known. What is still under way about them must not be kept when it arrives, so the later
    /// stages remember that they were erased; an id that nobody was ever given leaves no trace.
    package var known: [UserID]

    package init(users: [UserID], known: [UserID] = []) {
        self.users = users
        self.known = known
    }

    package init(user: UserID) {
        self.init(users: [user])
    }
}

extension ErasureRequested: Codable {
    private enum CodingKeys: CodingKey {
        case users, known
        /// What earlier builds wrote, of whom every stage remembers the user.
        case user
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if let user = try container.decodeIfPresent(UserID.self, forKey: .user) {
            self.init(users: [user], known: [user])
        } else {
            self.init(
                users: try container.decode([UserID].self, forKey: .users),
                known: try container.decode([UserID].self, forKey: .known))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(users, forKey: .users)
        try container.encode(known, forKey: .known)
    }
}

/// What a connection is used for. A role lives on its connection's thread, over all the connections that it makes in
/// turn.
protocol ConnectionRole: SendableMetatype {
    /// What other threads may ask of it.
    associatedtype Command: Sendable

    /// Whether nothing is under way that a graceful end should wait for.
    var isIdle: Bool { get }

    /// A connection was made: declare, subscribe.
    mutating func opened(_ connection: borrowing Connection) throws(ConnectionError)
    mutating func perform(_ command: Command, on connection: borrowing Connection) throws(ConnectionError)
    mutating func receive(_ event: ConnectionEvent)
    /// Everything that had arrived was received.
    mutating func drained()
    /// The connection is no more.
    mutating func closed()
    /// A command came while there was no connection.
    mutating func refuse(_ command: Command)
}

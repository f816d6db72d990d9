internal import LinearAlgebra
internal import Operations

/// Who a face belongs to.
@main
struct Identity {
    static func main() async {
        OpenBLAS.chooseKernel()
        await ServiceRunner.main("identity") { runner in
            let settings = try IdentitySettings(runner.settings)
            return try IdentityService(settings, logger: runner.logger).assembly
        }
    }
}

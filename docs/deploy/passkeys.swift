// Ask iOS for a passkey (docs/mobile.md). Give it `rp.id` or `rpId`, `challenge` and `user` of `publicKey`, in which bytes
// are base64url. `onEnd` gets the `credential`, or an error: `ASAuthorizationError.canceled` is no fault.
import AuthenticationServices

final class Passkeys: NSObject, ASAuthorizationControllerDelegate, ASAuthorizationControllerPresentationContextProviding {
    let provider: ASAuthorizationPlatformPublicKeyCredentialProvider
    let window: UIWindow
    var onEnd: (Result<[String: Any], Error>) -> Void = { _ in }

    init(rpId: String, window: UIWindow) {
        provider = ASAuthorizationPlatformPublicKeyCredentialProvider(relyingPartyIdentifier: rpId)
        self.window = window
    }

    func use(challenge: Data) { start(provider.createCredentialAssertionRequest(challenge: challenge)) }

    func make(challenge: Data, userName: String, userId: Data) {
        start(provider.createCredentialRegistrationRequest(challenge: challenge, name: userName, userID: userId))
    }

    private func start(_ request: ASAuthorizationRequest) {
        let controller = ASAuthorizationController(authorizationRequests: [request])
        controller.delegate = self
        controller.presentationContextProvider = self
        controller.performRequests()
    }

    func presentationAnchor(for _: ASAuthorizationController) -> ASPresentationAnchor { window }

    func authorizationController(controller _: ASAuthorizationController, didCompleteWithError error: Error) { onEnd(.failure(error)) }

    func authorizationController(controller _: ASAuthorizationController, didCompleteWithAuthorization authorization: ASAuthorization) {
        guard let answer = authorization.credential as? ASPublicKeyCredential else { return }
        var parts: [String: Data?] = ["clientDataJSON": answer.rawClientDataJSON]
        if let used = answer as? ASAuthorizationPlatformPublicKeyCredentialAssertion {
            parts["authenticatorData"] = used.rawAuthenticatorData
            parts["signature"] = used.signature
            parts["userHandle"] = used.userID
        } else if let made = answer as? ASAuthorizationPlatformPublicKeyCredentialRegistration {
            parts["attestationObject"] = made.rawAttestationObject
        }
        let id = base64url(answer.credentialID)
        onEnd(.success(["id": id, "rawId": id, "type": "public-key", "response": parts.compactMapValues { $0.map(base64url) }]))
    }
}

func base64url(_ data: Data) -> String {
    data.base64EncodedString()
        .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_").replacingOccurrences(of: "=", with: "")
}

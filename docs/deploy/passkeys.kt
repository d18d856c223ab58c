// Ask Android for a passkey (docs/mobile.md). The functions take `publicKey` and return `credential`, as JSON. A
// `…CancellationException` is no fault. They need androidx.credentials:credentials and credentials-play-services-auth.
import android.app.Activity
import androidx.credentials.CreatePublicKeyCredentialRequest
import androidx.credentials.CreatePublicKeyCredentialResponse
import androidx.credentials.CredentialManager
import androidx.credentials.GetCredentialRequest
import androidx.credentials.GetPublicKeyCredentialOption
import androidx.credentials.PublicKeyCredential

suspend fun usePasskey(activity: Activity, publicKey: String): String {
    val request = GetCredentialRequest(listOf(GetPublicKeyCredentialOption(publicKey)))
    val result = CredentialManager.create(activity).getCredential(activity, request)
    return (result.credential as PublicKeyCredential).authenticationResponseJson
}

suspend fun makePasskey(activity: Activity, publicKey: String): String {
    val request = CreatePublicKeyCredentialRequest(publicKey)
    val result = CredentialManager.create(activity).createCredential(activity, request)
    return (result as CreatePublicKeyCredentialResponse).registrationResponseJson
}
